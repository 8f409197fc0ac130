package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestURLsThatCanBeReadInTwoWaysAreRefusedWithoutShowingThem(t *testing.T) {
	t.Parallel()
	for _, password := range []string{
		"Secr3t@Word", "Secr3t/Word", "Secr3t?Word", "Secr3t#Word", "Secr3t:Word", "Secr3t%Word", "Secr3t%zzWord", "Secr3t[Word", "Secr3t]Word",
		"Secr3t Word", "Secr3t\tWord", "Secr3t\nWord", "Secr3t\x00Word", "Secr3t%00Word", `Secr3t\Word`, "p@x/Secr3t", "12/Secr3t@Word", "5432/Secr3t",
		"Secr3t?Word@x=1", "@Secr3t", "Secr3t@", "/Secr3t", "Secr3t/", "Secr3t%", "Secr3t%4",
	} {
		for _, shape := range []string{
			"postgres://app:%s@db.example.com:5432/shop", "postgresql://app:%s@db.example.com/shop?sslmode=require", "postgres://%s:x@db/shop",
			"postgres://app:%s@/shop?host=/run/postgresql", "postgres://app:%s@h1:5432,h2:5433/shop", "postgres://app:%s@[::1]:5432/shop",
		} {
			text := strings.Replace(shape, "%s", password, 1)
			for name, err := range map[string]error{"CheckURL": CheckURL(text), "New": failure(New(Config{Servers: []Server{{Name: "main", URL: text}}}))} {
				if err == nil {
					t.Errorf("%s: %q is taken", name, text)
				} else if strings.Contains(err.Error(), "Secr3t") || strings.Contains(err.Error(), "Word") || strings.Contains(err.Error(), "example") {
					t.Errorf("%s: %q: the error shows some of it: %v", name, text, err)
				}
			}
		}
	}
	for _, text := range []string{
		"postgres://h:70000/db", "postgres://h:0/db", "postgres://h:x1/db", "postgres://h/db@x", "postgres://h/db?user=a@b", "postgres://h/db?Secr3t", "postgres://[::1/db",
		"postgres://[Secr3t]/db", "postgres://h/a#b", "mysql://h/db", "postgres:h", "//h/db", "",
	} {
		if err := CheckURL(text); err == nil || strings.Contains(err.Error(), "Secr3t") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func failure(_ *DB, err error) error { return err }

func TestURLsOfLibpqAreRead(t *testing.T) {
	for name, c := range map[string]struct{ url, host, database, user, password string }{
		"all":               {"postgres://app:pw@db.example.com:5433/shop?sslmode=disable", "db.example.com", "shop", "app", "pw"},
		"escaped":           {"postgres://a%40b:p%40%2F%3F%23%3A%25%5B%5D%20w@db/shop", "db", "shop", "a@b", "p@/?#:%[] w"},
		"no password":       {"postgresql://app@db/shop", "db", "shop", "app", ""},
		"a folder":          {"postgres://app@/shop?host=/run/postgresql", "/run/postgresql", "shop", "app", ""},
		"no host":           {"postgres:///shop?host=/run/postgresql&user=app", "/run/postgresql", "shop", "app", ""},
		"an escaped folder": {"postgres://app@%2Frun%2Fpostgresql/shop", "/run/postgresql", "shop", "app", ""},
		"several hosts":     {"postgres://app@h1:5432,h2:5433/shop?target_session_attrs=read-write", "h1", "shop", "app", ""},
		"IPv6":              {"postgres://app@[::1]:5432/shop", "::1", "shop", "app", ""},
		"all in parameters": {"postgres://?host=db&port=5433&dbname=shop&user=app&password=p%40w", "db", "shop", "app", "p@w"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := CheckURL(c.url); err != nil {
				t.Fatal(err)
			}
			got, err := ParseURL("servers.main.url", c.url, "skein")
			if err != nil {
				t.Fatal(err)
			}
			if got.Host != c.host || got.Database != c.database || got.User != c.user || got.Password != c.password {
				t.Errorf("host %q, database %q, user %q, password %q", got.Host, got.Database, got.User, got.Password)
			}
			if p := got.RuntimeParams; p["client_encoding"] != "UTF8" || p["standard_conforming_strings"] != "on" || p["datestyle"] != "ISO, MDY" || p["application_name"] != "skein" {
				t.Errorf("%v", p)
			}
		})
	}
}

func TestParametersThatTheServerMustNotSee(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"keepalives=1&keepalives_idle=5&keepalives_interval=1&keepalives_count=3", "tcp_user_timeout=1000", "gssencmode=disable", "gssencmode=prefer", "gsslib=gssapi",
		"application_name=x", "fallback_application_name=x", "load_balance_hosts=disable", "sslcompression=0", "ssl_min_protocol_version=TLSv1.2", "pool_max_conns=3",
		"client_encoding=UTF8", "client_encoding=utf-8", "DateStyle=ISO", "standard_conforming_strings=on", "replication=false", "ssl=true",
	} {
		c, err := ParseURL("servers.main.url", "postgres://app@db/shop?"+query, "skein")
		if err != nil {
			t.Errorf("%s: %v", query, err)
		} else if len(c.RuntimeParams) != 4 {
			t.Errorf("%s: the server is sent %v", query, c.RuntimeParams)
		}
	}
	for _, query := range []string{
		"hostaddr=10.0.0.1", "gssencmode=require", "load_balance_hosts=random", "sslcrl=/x", "requirepeer=postgres", "replication=database", "ssl=false", "ssl_min_protocol_version=TLSv1.3",
		"client_encoding=LATIN1", "client_encoding=auto", "standard_conforming_strings=off", "DateStyle=German", "datestyle=ISO,DMY", "synchronous_commit=off", "backslash_quote=off",
		"row_security=on", "search_path=x", "session_replication_role=replica", "default_transaction_read_only=on", "default_transaction_isolation=serializable", "xmloption=document",
		"options=-c%20search_path%3Dx", "options=-csynchronous_commit%3Doff", "options=--client-encoding%3DLATIN1", "options=-c%20work_mem%3D4MB%20-c%20Row_Security%3Don", "role=x",
	} {
		_, err := ParseURL("servers.main.url", "postgres://app@db/shop?"+query, "skein")
		if err == nil || !strings.HasPrefix(err.Error(), "servers.main.url: ") || CheckURL("postgres://app@db/shop?"+query) == nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	for query, want := range map[string]string{"options=-c%20work_mem%3D4MB": "options", "timezone=Europe/Berlin": "timezone", "statement_timeout=5s": "statement_timeout"} {
		c, err := ParseURL("servers.main.url", "postgres://app@db/shop?"+query, "skein")
		if err != nil || c.RuntimeParams[want] == "" {
			t.Errorf("%s: %v, the server is sent %v", query, err, c)
		}
	}
}

func TestServiceFileAndEnvironmentCannotUnsettleASession(t *testing.T) {
	services := filepath.Join(t.TempDir(), "services")
	if err := os.WriteFile(services, []byte("[good]\nhost=db\ndbname=shop\nuser=app\nkeepalives=1\n[latin]\nhost=db\nclient_encoding=LATIN1\n[unsafe]\nhost=db\noptions=-c synchronous_commit=off\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGSERVICEFILE", services)
	c, err := ParseURL("servers.main.url", "postgres:///?service=good", "skein")
	if err != nil || c.Host != "db" || c.Database != "shop" || c.User != "app" || len(c.RuntimeParams) != 4 {
		t.Errorf("%v, %+v", err, c)
	}
	for url, want := range map[string]string{
		"postgres:///?service=latin": "client_encoding", "postgres:///?service=unsafe": "synchronous_commit", "postgres:///?service=none": "service file",
		"service=latin": "client_encoding",
	} {
		if _, err := ParseURL("servers.main.url", url, "skein"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
	for variable, value := range map[string]string{
		"PGOPTIONS": "-c standard_conforming_strings=off", "PGCLIENTENCODING": "LATIN1", "PGDATESTYLE": "German", "PGSERVICE": "latin",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, value)
			if _, err := ParseURL("servers.main.url", "postgres://app@db/shop", "skein"); err == nil {
				t.Error("it is taken")
			}
		})
	}
	t.Setenv("PGCLIENTENCODING", "UTF8")
	t.Setenv("PGTZ", "Europe/Berlin")
	if c, err := ParseURL("servers.main.url", "postgres://app@db/shop", "skein"); err != nil || c.RuntimeParams["timezone"] != "Europe/Berlin" {
		t.Errorf("%v, %v", err, c)
	}
}

func TestPasswordFileThatOthersMayReadIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pgpass")
	if err := os.WriteFile(file, []byte("db:5432:shop:app:pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGPASSFILE", file)
	if c, err := ParseURL("k", "postgres://app@db/shop", "skein"); err != nil || c.Password != "pw" {
		t.Errorf("%v, %v", err, c)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"postgres://app@db/shop", "postgres://app@db/shop?sslmode=disable", "host=db user=app dbname=shop", "postgres://app@db/shop?passfile=" + file} {
		if _, err := ParseURL("k", url, "skein"); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{"postgres://app:x@db/shop", "postgres://other@db/shop", "host=db user=app dbname=shop password=y"} {
		if _, err := ParseURL("k", url, "skein"); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestAShortPasswordLeavesTheErrorsOfAConnectionReadable(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"p", "1", "db", "e"} {
		db, err := New(Config{Servers: []Server{{Name: "main", URL: "postgres://app:" + password + "@127.0.0.1:1/shop?sslmode=disable"}}})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Probe(t.Context(), "main", "shop")
		if err == nil || err.Error() != "server main: connection refused at 127.0.0.1:1" {
			t.Errorf("%s: %v", password, err)
		}
	}
}
