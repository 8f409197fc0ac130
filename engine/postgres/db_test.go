package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

func TestNewChecksWithoutConnecting(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"a broken URL":     {Config{Servers: []Server{{Name: "a", URL: "postgres://u:" + secret + "/x@h/db"}}}, "can be read in more than one way"},
		"a bad port":       {Config{Servers: []Server{{Name: "a", URL: "postgres://u:" + secret + "@h:99999/db"}}}, "servers.a.url"},
		"a bad pair":       {Config{Servers: []Server{{Name: "a", URL: "password=" + secret + " host"}}}, "servers.a.url"},
		"a bad direct URL": {Config{Servers: []Server{{Name: "a", URL: "host=h", DirectURL: "postgres://%zz@h"}}}, "servers.a.direct_url"},
		"twice":            {Config{Servers: []Server{{Name: "a", URL: "host=h"}, {Name: "a", URL: "host=h"}}}, "twice"},
		"alembic's table":  {Config{VersionTable: "alembic_version"}, "not supported yet"},
		"too long a table": {Config{VersionTable: strings.Repeat("x", 58)}, "at most 57 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
				t.Errorf("%v", err)
			}
		})
	}
	db, err := New(Config{Servers: []Server{{Name: "a", URL: "postgres://u:" + secret + "@h:1/db?statement_timeout=9s&pool_max_conns=3"}}})
	if err != nil {
		t.Fatal(err)
	}
	params := db.servers["a"].base.RuntimeParams
	if params["application_name"] != "skein" || params["pool_max_conns"] != "" {
		t.Errorf("%v", params)
	}
	if database, err := db.Register("$X", "postgres://u@h/x"); err != nil || database != "x" || db.servers["$X"] == nil {
		t.Errorf("got database %q, want x: %v", database, err)
	}
	before := db.servers["$X"]
	if database, err := db.Register("$X", "postgres://u@h/x"); err != nil || database != "x" || db.servers["$X"] != before {
		t.Errorf("registered again, it is another server, or has another database: %q, %v", database, err)
	}
	for _, url := range []string{"mysql://u@h/x", "host=h dbname=x", "postgres://u:p@x@h/x"} {
		if _, err := db.Register("$Y", url); !isURLError(err) || db.servers["$Y"] != nil {
			t.Errorf("%s: got %v, want a *URLError and no server", url, err)
		}
	}
}

func TestSchemasThatCannotBeTenants(t *testing.T) {
	t.Parallel()
	db, err := New(Config{Servers: []Server{{Name: "main", URL: "host=127.0.0.1 port=1"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "$user", "pg_temp", strings.Repeat("x", 64)} {
		location := engine.Location{Dialect: revision.Postgres, Server: "main", Database: "d", Schema: name}
		if _, err := db.Open(t.Context(), location); err == nil || classify(t.Context(), err).Class != engine.Revision {
			t.Errorf("%q: %v", name, err)
		}
	}
	st := db.Survey(t.Context(), []engine.Location{{Server: "other", Schema: "x"}, {Server: "main", Database: "d", Schema: "x"}}, "")
	if len(st) != 2 || st[0].State != engine.Unreachable || st[1].State != engine.Unreachable || st[0].Err == nil || st[1].Err == nil {
		t.Errorf("%+v", st)
	}
}

func isURLError(err error) bool {
	_, ok := errors.AsType[*URLError](err)
	return ok
}
