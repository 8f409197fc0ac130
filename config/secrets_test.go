package config

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const hunter = "hunter2"

func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	t.Parallel()
	s := plainSecret(hunter)
	type nested struct {
		S       Secret
		P       *Secret
		private Secret
		M       map[string]Secret
		L       []Secret
	}
	project := loadText(t, `
servers:
  a: {url: "postgres://u:hunter2@h/d"}
  b: {url: postgres://u@h/d, password: hunter2, direct_url: "postgres://u@h/d?password=hunter2"}
state: {store: "postgres://u:hunter2@h/d"}
tenants: [{server: a}, {query: {server: b, sql: "select 1 -- postgres://u:hunter2@h/d"}}]
rollout:
  waves:
    - name: canary
      gate:
        http: "https://u:hunter2@h/x/hunter2?y=hunter2#hunter2"
        checks:
          - {name: api, http: "https://h/hunter2", headers: {Authorization: Bearer hunter2}}
          - {name: prom, prometheus: "https://u:hunter2@h", query: up, headers: {X-Token: {exec: [echo, hunter2]}}}
notify: [{webhook: "https://hooks.slack.com/services/T0/hunter2"}, {webhook: {exec: [echo, hunter2]}}]
`, "SKEIN_SERVERS__a__PASSWORD=hunter2")
	n := nested{s, &s, s, map[string]Secret{"k": s}, []Secret{s}}
	for name, v := range map[string]any{"secret": s, "pointer": &s, "nested": n, "project": *project, "servers": project.Servers} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%t", "%w", "%10s", "%.3s"} {
			hides(t, name+" "+verb, fmt.Sprintf(verb, v))
		}
		j, _ := json.Marshal(v)
		hides(t, name+" JSON", string(j))
		x, _ := xml.Marshal(v)
		hides(t, name+" XML", string(x))
		if name != "project" { // it has functions
			y, err := yaml.Marshal(v)
			if err != nil {
				t.Error(err)
			}
			hides(t, name+" YAML", string(y))
		}
		var b bytes.Buffer
		for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&b, nil)), slog.New(slog.NewJSONHandler(&b, nil))} {
			l.Info("x", "v", v, slog.Any("w", v))
		}
		hides(t, name+" slog", b.String())
		hides(t, name+" error", fmt.Errorf("x: %v", v).Error())
		hides(t, name+" panic", fmt.Sprint(v))
	}
	hides(t, "show", string(ShowYAML(project)))
	j, err := json.Marshal(Show(project))
	if err != nil {
		t.Fatal(err)
	}
	hides(t, "show JSON", string(j))
}

func hides(t *testing.T, name, printed string) {
	t.Helper()
	if strings.Contains(printed, hunter) || strings.Contains(printed, fmt.Sprintf("%x", hunter)) {
		t.Errorf("%s shows the secret: %s", name, printed)
	}
}

func TestSecretIsReadWhereItStands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("pw", "from file \r\n\n", 0o600)
	write("empty", "\n", 0o600)
	write("tool", "#!/bin/sh\necho from $1\necho second\n", 0o700)
	env := lookup([]string{"PW=from env", "NONE="})
	for _, c := range []struct {
		name   string
		secret Secret
		want   string
		err    string
	}{
		{"zero", Secret{}, "", ""},
		{"text", plainSecret(hunter), hunter, ""},
		{"env", envSecret("k", "PW", env), "from env", ""},
		{"env unset", envSecret("k", "DB_PW", env), "", "k: environment variable DB_PW is not set"},
		{"env empty", envSecret("k", "NONE", env), "", "k: environment variable NONE is not set"},
		{"file", fileSecret("k", "pw", dir), "from file ", ""},
		{"file absolute", fileSecret("k", filepath.Join(dir, "pw"), "/"), "from file ", ""},
		{"file empty", fileSecret("k", "empty", dir), "", "the file empty is empty"},
		{"file missing", fileSecret("k", "no", dir), "", "cannot read the file"},
		{"exec on the path", execSecret("k", []string{"echo", "from", "echo"}, dir), "from echo", ""},
		{"exec beside the config", execSecret("k", []string{"./tool", "tool"}, dir), "from tool", ""},
		{"exec fails", execSecret("k", []string{"sh", "-c", "echo hunter2; echo denied >&2; exit 3", hunter}, dir), "", "the command sh failed: exit status 3: denied"},
		{"exec silent", execSecret("k", []string{"true"}, dir), "", "it printed nothing"},
		{"exec missing", execSecret("k", []string{"./no"}, dir), "", "the command ./no failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.secret.Value(t.Context())
			if got != c.want || (err == nil) != (c.err == "") {
				t.Fatalf("got %q, %v; want %q", got, err, c.want)
			}
			if err == nil {
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Kind != KindSecret || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %q, want %q", err, c.err)
			}
			hides(t, "error", err.Error())
		})
	}
}
