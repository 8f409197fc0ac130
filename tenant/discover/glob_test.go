package discover_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// tree makes files below a folder: "a/b.db", or "link -> target".
func tree(t *testing.T, folder string, files ...string) {
	t.Helper()
	for _, text := range files {
		name, target, link := strings.Cut(text, " -> ")
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if link {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestGlobFindsFiles(t *testing.T) {
	t.Parallel()
	env, _ := world(t)
	tree(t, env.Dir,
		"data/acme.db", "data/acme.db-wal", "data/acme.db-shm", "data/acme.db-journal",
		"data/Bolt.v2.db", "data/.hidden.db", "data/notes.txt", "data/folder.db/inside.db",
		"data/eu/crane.db", "data/eu/west/dune.db", "data/.git/x.db",
		"elsewhere/far.db", "data/linked.db -> ../elsewhere/far.db", "data/mount -> ../elsewhere",
		"dangling/lost.db -> nowhere.db", "sub/tenant.db", "sub/a/tenant.db", "sub/b/tenant.db",
	)
	for _, c := range []struct {
		pattern string
		spec    discover.Glob
		want    []string // id, path
		warning string
		err     string
	}{
		{pattern: "data/*.db", want: []string{"Bolt.v2 data/Bolt.v2.db", "acme data/acme.db", "linked data/linked.db"}},
		{pattern: "./data//*.db", want: []string{"Bolt.v2 data/Bolt.v2.db", "acme data/acme.db", "linked data/linked.db"}},
		{pattern: "data/a*", want: []string{"acme data/acme.db"}}, // not its companions
		{pattern: "data/.*.db", want: []string{".hidden data/.hidden.db"}},
		{pattern: "data/*/*.db", want: []string{
			"eu/crane data/eu/crane.db", "folder.db/inside data/folder.db/inside.db", "mount/far data/mount/far.db",
		}},
		{pattern: "data/**/*.db", want: []string{
			"Bolt.v2 data/Bolt.v2.db", "acme data/acme.db", "eu/crane data/eu/crane.db", "eu/west/dune data/eu/west/dune.db",
			"folder.db/inside data/folder.db/inside.db", "linked data/linked.db",
		}, warning: "data/mount is a symlink to a folder, which ** does not enter"},
		{pattern: "data/eu/**/**/*.db", want: []string{"crane data/eu/crane.db", "west/dune data/eu/west/dune.db"}},
		{pattern: "**/eu/**/*.db", want: []string{"data/eu/crane data/eu/crane.db", "data/eu/west/dune data/eu/west/dune.db"},
			warning: "data/mount is a symlink to a folder, which ** does not enter"},
		{pattern: "sub/*/tenant.db", want: []string{"a/tenant sub/a/tenant.db", "b/tenant sub/b/tenant.db"}},
		{pattern: "sub/**/tenant.db", want: []string{"a/tenant sub/a/tenant.db", "b/tenant sub/b/tenant.db", "tenant sub/tenant.db"}},
		{pattern: "data/acme.db", want: []string{"acme data/acme.db"}},
		{pattern: "data/?cme.db", want: []string{"acme data/acme.db"}},
		{pattern: env.Dir + "/data/acme*.db", want: []string{"acme data/acme.db"}},
		{pattern: "sub/../data/acme*.db", want: []string{"acme data/acme.db"}},
		{pattern: "sub/*/*.db", spec: discover.Glob{ID: "shop-{name}:{path}", Labels: map[string]string{"tier": "free"}},
			want: []string{"shop-tenant:a/tenant sub/a/tenant.db {tier=free}", "shop-tenant:b/tenant sub/b/tenant.db {tier=free}"}},

		{pattern: "data/*.sqlite", err: `glob "data/*.sqlite" matches no file below DIR/data`},
		{pattern: "dta/*.db", err: "no such file or directory"},
		{pattern: "dangling/*.db", err: "lost.db: no such file or directory"},
		{pattern: "", err: "the pattern is empty"},
		{pattern: "data/", err: "the pattern names no files"},
		{pattern: "data/**", err: "** stands for folders"},
		{pattern: "data/a**.db", err: "** stands alone between slashes"},
		{pattern: "data/*/../x.db", err: "'..' follows a wildcard"},
		{pattern: "data/*.db", spec: discover.Glob{ID: "{schema}"}, err: "the placeholders are {path}, {name}"},
	} {
		t.Run(c.pattern+c.spec.ID, func(t *testing.T) {
			t.Parallel()
			c.spec.Name, c.spec.Pattern = "1", c.pattern
			source, err := discover.NewGlob(c.spec, env)
			got := list(t, source, err)
			for i := range got.Tenants {
				got.Tenants[i] = strings.ReplaceAll(got.Tenants[i], env.Dir+"/", "")
			}
			if diff := cmp.Diff(c.want, got.Tenants); diff != "" {
				t.Error(diff)
			}
			if text := strings.ReplaceAll(strings.Join(got.Errors, "\n"), env.Dir, "DIR"); !strings.Contains(text, c.err) || (text == "") != (c.err == "") {
				t.Errorf("got error %s, want %s", text, c.err)
			}
			if text := strings.Join(got.Warnings, "\n"); !strings.HasSuffix(text, c.warning) || (text == "") != (c.warning == "") {
				t.Errorf("got warning %s, want %s", text, c.warning)
			}
		})
	}
}

func TestGlobsThatMeetTheSameFileAreFound(t *testing.T) {
	t.Parallel()
	env, _ := world(t)
	tree(t, env.Dir, "data/acme.db", "data/alias.db -> acme.db")
	source, err := discover.NewGlob(discover.Glob{Name: "1", Pattern: "data/*.db"}, env)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = tenant.Gather(t.Context(), []tenant.Source{source}, tenant.Guards{})
	if err == nil || !strings.Contains(err.Error(), "one location for two ids") {
		t.Errorf("got %v", err)
	}
}
