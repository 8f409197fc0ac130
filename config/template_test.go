package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

var commented = regexp.MustCompile(`(?m)^( *)# ( *(?:- )?[a-z_]+:(?: |$))`)

func TestEveryTemplateLoads(t *testing.T) {
	t.Parallel()
	for _, name := range TemplateNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := Template(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for path, text := range files {
				path = filepath.Join(dir, filepath.FromSlash(path))
				if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			env := []string{"DATABASE_URL=postgres://h/app", "EU_DATABASE_URL=postgres://eu/app", "US_DATABASE_URL=postgres://us/app"}
			p, err := Load(filepath.Join(dir, "skein.yaml"), Options{Env: env})
			if err != nil {
				t.Fatal(err)
			}
			if p.Revisions.Heads != Single {
				t.Errorf("heads %q", p.Revisions.Heads)
			}
			if g, err := revision.Load(os.DirFS(p.Revisions.Dir), p.Dialect()); err != nil || len(g.Heads()) != 0 {
				t.Errorf("graph: %v", err)
			}
			if _, err := p.Postgres(t.Context(), "skein"); err != nil {
				t.Error(err)
			}
			sources, err := p.Sources(t.Context(), nil, nil, tenant.Selector{})
			if err != nil || len(sources) == 0 {
				t.Fatalf("%d sources, %v", len(sources), err)
			}
			if name == "sqlite" {
				tenants, _, err := tenant.Gather(t.Context(), sources, p.Guards)
				if err != nil || len(tenants) != 2 || tenants[0].ID != "acme" || tenants[1].ID != "globex" {
					t.Errorf("tenants %v, %v", tenants, err)
				}
			}
		})
	}
}

// What stands behind a # is a key with its default, or a value that can be had by taking the # away.
func TestCommentedKeysOfTemplatesAreKeys(t *testing.T) {
	t.Parallel()
	for _, name := range TemplateNames() {
		files, err := Template(name)
		if err != nil {
			t.Fatal(err)
		}
		text := commented.ReplaceAllString(files["skein.yaml"], "$1$2")
		if text == files["skein.yaml"] {
			t.Errorf("%s: nothing is commented out", name)
		}
		p, err := load("conf/skein.yaml", []byte(text), Options{Env: []string{}})
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
			continue
		}
		if p.Policy.Waves == nil || p.Policy.Pins == nil || p.Notify == nil {
			t.Errorf("%s: no waves, pins or webhooks behind a #", name)
		}
		for _, k := range keys() {
			shown, ofRollout := find(Show(p), k.path), strings.HasPrefix(k.path, "rollout")
			if ofRollout && k.def != "" && fmt.Sprint(shown.Value) != k.def {
				t.Errorf("%s: %s is %v, not its default %s", name, k.path, shown.Value, k.def)
			}
		}
	}
}

func TestUnknownTemplate(t *testing.T) {
	t.Parallel()
	_, err := Template("shcema")
	var e *Error
	if !errors.As(err, &e) || e.Hint() != "did you mean schema?" {
		t.Error(err)
	}
}

func TestSourcesNameWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	p := loadText(t, `
servers:
  a: {url: {env: A}}
  b: {url: {env: B}, direct_url: {env: C}, password: {env: D}}
  c: {url: {env: E}}
tenants: [{server: a}, {server: c}]
`, "A=mysql://hunter2@h/d", "E=postgres:///app?host=/run")
	const want = `servers.a.url: expected a URL that starts with postgres://
servers.b.url: environment variable B is not set`
	_, err := p.Sources(t.Context(), nil, nil, tenant.Selector{})
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	_, err = p.Postgres(t.Context(), "skein")
	if diff := cmp.Diff(want+"\nservers.b.direct_url: environment variable C is not set", err.Error()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPostgresTakesTheServersInOrder(t *testing.T) {
	t.Parallel()
	p, err := Load("testdata/full.yaml", Options{Env: []string{"DB1_PASSWORD=hunter2"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Postgres(t.Context(), "skein/1")
	if err != nil {
		t.Fatal(err)
	}
	if c.Application != "skein/1" || c.VersionTable != "skein_version" || len(c.Servers) != 2 {
		t.Fatalf("%+v", c)
	}
	s := c.Servers[1]
	if s.Name != "Second.EU" || s.URL != "postgres://app@db2:5432/app" || s.DirectURL != "postgres://app@db1:5433/app" || s.MaxConnections != 8 {
		t.Errorf("%+v", s)
	}
	if !c.Servers[0].AutoSearchPath || s.AutoSearchPath || len(s.SearchPath) != 2 {
		t.Errorf("search paths: %+v", c.Servers)
	}
	if password, err := s.Password(t.Context()); password != hunter || err != nil {
		t.Errorf("password %q %v", password, err)
	}
}
