package pgtest_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/integration/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// eachMachine runs a test on a dedicated server of each kind that this machine has.
func eachMachine(t *testing.T, opts pgtest.Options, test func(*testing.T, *pgtest.Instance)) {
	seen := map[string]bool{}
	for _, way := range []string{"docker", "local"} {
		t.Run(way, func(t *testing.T) {
			t.Setenv("SKEIN_TEST_POSTGRES", way)
			if !pgtest.Here(way) {
				t.Logf("%s is not on this machine", way)
				return
			}
			seen[way] = true
			test(t, pgtest.New(t, opts))
		})
	}
	if len(seen) == 0 {
		t.Error("no dedicated server on this machine")
	}
}

func TestAServerKeepsAddressAndDataOverStops(t *testing.T) {
	eachMachine(t, pgtest.Options{Settings: map[string]string{"max_connections": "20", "fsync": "on"}}, func(t *testing.T, i *pgtest.Instance) {
		url, _ := pgtest.Database(t, i)
		before := i.URL
		pgtest.Exec(t, url, "CREATE TABLE t (n int)", "INSERT INTO t VALUES (1)")
		for n, end := range []func(){
			func() { i.Stop(pgtest.Fast) },
			func() { i.Stop(pgtest.Immediate) },
			i.Kill,
		} {
			at := time.Now()
			end()
			if conn, err := pgx.Connect(t.Context(), i.URL); err == nil {
				conn.Close(t.Context())
				t.Errorf("%d: the server still answers", n)
			}
			i.Start()
			t.Logf("%d: down and up in %s", n, time.Since(at).Round(time.Millisecond))
			if i.URL != before {
				t.Errorf("%d: URL changed from %s to %s", n, before, i.URL)
			}
			if got := pgtest.Scalar[int](t, url, "SELECT n FROM t"); got != 1 {
				t.Errorf("%d: n = %d", n, got)
			}
		}
		i.Restart()
		if got := pgtest.QueryRows(t, url, "SELECT current_setting('max_connections'), current_setting('fsync')"); got[0] != "20|on" {
			t.Errorf("settings = %q", got)
		}
	})
}

func TestAPausedServerIsSilentAndContinues(t *testing.T) {
	eachMachine(t, pgtest.Options{}, func(t *testing.T, i *pgtest.Instance) {
		conn := pgtest.Connect(t, i.URL)
		answer := make(chan error, 1)
		i.Pause()
		go func() {
			_, err := conn.Exec(context.Background(), "SELECT 1")
			answer <- err
		}()
		select {
		case err := <-answer:
			t.Errorf("a paused server answered: %v", err)
		case <-time.After(300 * time.Millisecond):
		}
		i.Unpause()
		if err := <-answer; err != nil {
			t.Errorf("the connection did not survive: %v", err)
		}
	})
}

func TestVersionsStandSideBySide(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"15", "17"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			i := pgtest.New(t, pgtest.Options{Version: version})
			if fmt.Sprint(i.Major) != version {
				t.Logf("wanted %s, this machine has %d", version, i.Major)
			}
		})
	}
}

func TestDatabasesAndSchemasAreQuick(t *testing.T) {
	t.Parallel()
	url, name := pgtest.Database(t, pgtest.Server(t))
	at := time.Now()
	names := pgtest.Schemas(t, url, "It's \"odd\" ", 1200)
	t.Logf("1200 schemas in %s", time.Since(at).Round(time.Millisecond))
	if got := pgtest.Scalar[int](t, url, "SELECT count(*) FROM pg_namespace WHERE nspname = ANY ($1)", names); got != len(names) {
		t.Errorf("%d of %d schemas in %s", got, len(names), name)
	}
}
