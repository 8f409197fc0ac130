package integration_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// A server whose processes are frozen gives no answer, while its system keeps the connections. It counts as away, its
// tenants go on when it is back, and a run that is to end does not wait for it for ever, and says how long it does.
func TestFrozenServer(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Options{})
	config := "fleet: acme\nservers: {main: {url: %q}}\ntenants: [{server: main, include_schemas: [\"t_*\"]}]\nrollout: {server_patience: %s}\n"
	pgtest.Schemas(t, server.URL, "t_", 2)
	sleeping := func() bool {
		return pgtest.Scalar[int](t, server.URL, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name LIKE 'skein/%'") == 2
	}
	p := skeintest.New(t, fmt.Sprintf(config, server.URL, "1m"), nil)
	p.Write("migrations/r1_a.sql", revisionFile("r1", "none", "CREATE TABLE a (id int);\nSELECT pg_sleep(3);", "DROP TABLE a;"))
	r := startProcess(t, p, "upgrade")
	r.Await("at most")
	waitUntil(t, "both tenants at work", sleeping)
	server.Pause()
	r.Await("paused main: server main does not answer, while 2 tenants are being migrated there")
	server.Unpause()
	result := r.end()
	result.Want(0)
	wantText(t, "the report", result.Stdout, "2 done of 2")

	p.Write("skein.yaml", fmt.Sprintf(config, server.URL, "13s"))
	p.Write("migrations/r2_b.sql", revisionFile("r2", "r1", "CREATE TABLE b (id int);\nSELECT pg_sleep(3);", "DROP TABLE b;"))
	r = startProcess(t, p, "upgrade")
	waitUntil(t, "both tenants at work", sleeping)
	server.Pause()
	drain := syscall.SIGHUP
	if signal.Ignored(drain) { // as under nohup, which hands that on
		drain = syscall.SIGTERM
	}
	r.Signal(drain)
	r.Await("server main has not answered since ")
	r.Await("(rollout.server_patience)")
	r.end().Want(130)
	server.Unpause()
	p.Must(0, "rollout", "resume")
}

// relay passes on what clients and the server say until it falls silent about the connections that there are: then it
// passes nothing on any more, not even that the other side is gone. Later connections are passed on.
type relay struct {
	url    string
	silent atomic.Int64 // connections up to that number
	n      atomic.Int64
}

func newRelay(t *testing.T, rawURL string) *relay {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	to := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{}
	u.Host = listener.Addr().String()
	r.url = u.String()
	var mu sync.Mutex
	var open []net.Conn
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			mu.Lock()
			open = append(open, client, server)
			mu.Unlock()
			k := r.n.Add(1)
			go r.pass(k, client, server)
			go r.pass(k, server, client)
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			_ = c.Close()
		}
	})
	return r
}

func (r *relay) pass(k int64, from, to net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if k <= r.silent.Load() {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				_ = from.Close()
				return
			}
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// A backend whose end was lost on the way is missed beside the statement that waits for its answer.
func TestBackendThatIsGoneIsMissed(t *testing.T) {
	t.Parallel()
	direct, _ := pgtest.Database(t, pgtest.Server(t))
	pgtest.Schemas(t, direct, "t_", 1)
	pgtest.Exec(t, direct, "CREATE SEQUENCE public.tries")
	through := newRelay(t, direct)
	p := skeintest.New(t, fmt.Sprintf("fleet: acme\nservers: {main: {url: %q}}\ntenants: [{server: main, include_schemas: [\"t_*\"]}]\nguards: {touches: [\"public.tries\"]}\n", through.url), nil)
	p.Write("migrations/r1_a.sql", revisionFile("r1", "none", "CREATE TABLE a (id int);\nSELECT pg_sleep(CASE WHEN nextval('public.tries') = 1 THEN 600 ELSE 0 END);", "DROP TABLE a;"))
	r := startProcess(t, p, "upgrade")
	r.Await("at most")
	const at = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep' AND application_name LIKE 'skein/%'"
	waitUntil(t, "the tenant at work", func() bool { return pgtest.Scalar[int](t, direct, "SELECT count(*) "+at) == 1 })
	through.silent.Store(through.n.Load())
	pgtest.Exec(t, direct, "SELECT pg_terminate_backend(pid) "+at)
	result := r.end()
	result.Want(0)
	wantText(t, "the report", result.Stdout, "1 done of 1")
	if tries := pgtest.Scalar[int](t, direct, "SELECT last_value::int FROM public.tries"); tries != 2 {
		t.Errorf("%d tries: so this proves nothing", tries)
	}
}
