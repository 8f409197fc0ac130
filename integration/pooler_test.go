package integration_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/shop"
	"github.com/skeindb/skein/integration/skeintest"
)

// poolSize is how many connections to the server a pooler shares among its clients.
const poolSize = 4

// TestTransactionPooler has a pooler in front of the server: always the small one below, and PgBouncer on machines
// that have it. Nothing is skipped where it is missing; one more pooler is looked at where it is not.
func TestTransactionPooler(t *testing.T) {
	t.Parallel()
	t.Run("ours", func(t *testing.T) {
		t.Parallel()
		throughPooler(t, newTransactionPooler)
	})
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		t.Run("pgbouncer", func(t *testing.T) {
			t.Parallel()
			throughPooler(t, func(t *testing.T, url string) string { return startPgBouncer(t, path, url) })
		})
	}
}

func throughPooler(t *testing.T, start func(t *testing.T, url string) (pooled string)) {
	const tenantsBehind = 200
	url, database := pgtest.Database(t, pgtest.Server(t))
	tenants := pgtest.Schemas(t, url, "tenant_", tenantsBehind)
	pgtest.Exec(t, url, "CREATE SCHEMA plain")
	pgtest.Exec(t, urlInSchema(url, "plain"), upgradesOf(t, shop.FS(revision.Postgres))...)
	pooled := start(t, url)
	config := "fleet: acme\nservers:\n  main:\n    max_connections: 12\n    url: %s\n%s" + tenantsOf(`{server: main, include_schemas: ["tenant_*"]}`) +
		"rollout: {concurrency: 12, per_server: 12}\n"
	p := skeintest.New(t, fmt.Sprintf(config, pooled, ""), shop.FS(revision.Postgres))

	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": tenantsBehind})
	wantSchemas(t, url, "plain", tenants)
	wantEach(t, "applied revisions", checksumsOf(t, shop.FS(revision.Postgres), revision.Postgres), inEach(t, url, tenants, appliedInSchema))
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"unchanged": tenantsBehind})
	if n := pgtest.Scalar[int](t, url, "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'", database); n < 1 || n > poolSize {
		t.Errorf("the server has %d connections behind the pooler, want 1 to %d", n, poolSize)
	}
	wantCleanSessions(t, pooled)

	var servers []struct {
		Problems []string
		Health   struct{ Pooled bool }
	}
	p.Must(0, "doctor", "--json").JSON(&servers)
	if len(servers) != 1 || !servers[0].Health.Pooled || !strings.Contains(strings.Join(servers[0].Problems, "\n"), "pooler") {
		t.Errorf("doctor: %+v", servers)
	}

	p.Write("migrations/s11_index.sql", revisionFile("s11", "s10",
		": no-transaction\nCREATE INDEX CONCURRENTLY customers_name_idx ON customers (name);", "DROP INDEX customers_name_idx;"))
	message, hint := errorOf(p.Must(1, "upgrade", "--json"))
	wantText(t, "the error", message, "s11", "pooler", "main")
	wantText(t, "the hint", hint, "direct_url")
	wantEach(t, "revisions", "10", inEach(t, url, tenants, "SELECT count(*) FROM %s.skein_version"))

	p.Write("skein.yaml", fmt.Sprintf(config, pooled, "    direct_url: "+url+"\n"))
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": tenantsBehind})
	wantEach(t, "revisions", "11", inEach(t, url, tenants, "SELECT count(*) FROM %s.skein_version"))
	pgtest.Exec(t, urlInSchema(url, "plain"), "CREATE INDEX customers_name_idx ON customers (name)")
	wantSchemas(t, url, "plain", tenants)
	wantCleanSessions(t, pooled)
	p.Must(0, "doctor", "--json").JSON(&servers)
	if len(servers[0].Problems) != 0 {
		t.Errorf("with direct_url doctor says: %q", servers[0].Problems)
	}
}

// wantCleanSessions opens a transaction on each of the pooler's connections, and fails the test when any of them has
// kept a setting, a lock or a temporary table from its earlier clients.
func wantCleanSessions(t *testing.T, pooled string) {
	t.Helper()
	for range poolSize {
		config, err := pgx.ParseConfig(pooled)
		if err != nil {
			t.Fatal(err)
		}
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), "BEGIN"); err != nil {
			t.Fatal(err)
		}
		var kept string
		err = conn.QueryRow(t.Context(), `SELECT coalesce(string_agg(what, ', '), '') FROM (
				SELECT name || ' = ' || setting AS what FROM pg_settings WHERE source = 'session' AND setting IS DISTINCT FROM reset_val AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings', 'extra_float_digits')
				UNION ALL SELECT 'an advisory lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
				UNION ALL SELECT 'prepared ' || name FROM pg_prepared_statements) kept`).Scan(&kept)
		if err != nil {
			t.Fatal(err)
		}
		if kept != "" {
			t.Errorf("a session behind the pooler keeps %s", kept)
		}
	}
}

// startPgBouncer starts PgBouncer in transaction mode and returns the URL through it.
func startPgBouncer(t *testing.T, program, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a free port
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr)
	_ = listener.Close()
	dir, err := os.MkdirTemp("", "skein-pgbouncer-") //nolint:usetesting // root's own TempDir is closed to the user that it becomes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ini := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s password='%s'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = %d
`, u.Hostname(), u.Port(), u.User.Username(), password, address.Port, poolSize)
	if err := os.WriteFile(ini, []byte(text), 0o644); err != nil { //nolint:gosec // another user reads it
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // another user reads it
		t.Fatal(err)
	}
	args := []string{ini}
	if os.Geteuid() == 0 { // it refuses to be root
		args = []string{"-u", "nobody", ini}
	}
	cmd := exec.Command(program, args...)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("pgbouncer:\n%s", log.String())
		}
	})
	u.Host = address.String()
	deadline := time.Now().Add(waitLimit)
	for {
		conn, err := net.DialTimeout("tcp", u.Host, time.Second)
		if err == nil {
			_ = conn.Close()
			return u.String()
		}
		if time.Now().After(deadline) {
			t.Fatalf("pgbouncer does not answer: %v", err)
		}
	}
}

// transactionPooler shares a few connections to a server among any number of clients: each has one from the first
// message of a transaction to its end. Like PgBouncer it refuses start-up parameters that it does not track, and it
// never cleans a session.
type transactionPooler struct {
	server  string // URL
	idle    chan *pgconn.HijackedConn
	clients sync.Map // fake process id → *atomic.Pointer[pgconn.HijackedConn], for cancel requests
	pids    atomic.Uint32
}

// newTransactionPooler starts a pooler and returns the URL through it.
func newTransactionPooler(t *testing.T, rawURL string) string {
	t.Helper()
	p := &transactionPooler{server: rawURL, idle: make(chan *pgconn.HijackedConn, poolSize)}
	for range poolSize {
		p.idle <- p.dial(t)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	ctx, end := context.WithCancel(context.Background())
	clients.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			clients.Go(func() {
				defer stop()
				defer conn.Close()
				p.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		end()
		clients.Wait()
		for len(p.idle) > 0 {
			_ = (<-p.idle).Conn.Close()
		}
	})
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	return u.String()
}

func (p *transactionPooler) dial(t *testing.T) *pgconn.HijackedConn {
	t.Helper()
	conn, err := pgconn.Connect(context.Background(), p.server)
	if err != nil {
		t.Fatal(err)
	}
	server, err := conn.Hijack()
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// serve is the whole life of a client.
func (p *transactionPooler) serve(conn net.Conn) {
	client := pgproto3.NewBackend(conn, conn)
	client.SetMaxBodyLen(0)
	var held atomic.Pointer[pgconn.HijackedConn]
	if !p.greet(conn, client, &held) {
		return
	}
	defer func() { // in the middle of a transaction: the server's connection is lost, and a new one takes its place
		if server := held.Swap(nil); server != nil {
			_ = server.Conn.Close()
			if fresh, err := pgconn.Connect(context.Background(), p.server); err == nil {
				if server, err = fresh.Hijack(); err == nil {
					p.idle <- server
				}
			}
		}
	}()
	for {
		message, err := client.Receive()
		if err != nil {
			return
		}
		if _, bye := message.(*pgproto3.Terminate); bye {
			return
		}
		server := held.Load()
		if server == nil {
			server = <-p.idle
			held.Store(server)
		}
		server.Frontend.Send(message)
		if err := server.Frontend.Flush(); err != nil {
			return
		}
		switch message.(type) {
		case *pgproto3.Query, *pgproto3.Sync:
			status, err := answer(client, server)
			if err != nil {
				return
			}
			if status == 'I' {
				held.Store(nil)
				p.idle <- server
			}
		}
	}
}

// greet is the start-up; false when the client is not to be served.
func (p *transactionPooler) greet(conn net.Conn, client *pgproto3.Backend, held *atomic.Pointer[pgconn.HijackedConn]) bool {
	for {
		message, err := client.ReceiveStartupMessage()
		if err != nil {
			return false
		}
		switch m := message.(type) {
		case *pgproto3.SSLRequest, *pgproto3.GSSEncRequest:
			if _, err := conn.Write([]byte{'N'}); err != nil {
				return false
			}
			continue
		case *pgproto3.CancelRequest:
			p.cancel(m.ProcessID)
			return false
		case *pgproto3.StartupMessage:
			for name := range m.Parameters { // those of PgBouncer
				switch strings.ToLower(name) {
				case "user", "database", "application_name", "client_encoding", "datestyle", "timezone", "standard_conforming_strings":
				default:
					client.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: " + name})
					_ = client.Flush()
					return false
				}
			}
		default:
			return false
		}
		break
	}
	pid := p.pids.Add(1) + 1_000_000
	p.clients.Store(pid, held)
	client.Send(&pgproto3.AuthenticationOk{})
	for _, status := range [][2]string{{"server_version", "17.0"}, {"client_encoding", "UTF8"}, {"standard_conforming_strings", "on"}, {"DateStyle", "ISO, MDY"}} {
		client.Send(&pgproto3.ParameterStatus{Name: status[0], Value: status[1]})
	}
	client.Send(&pgproto3.BackendKeyData{ProcessID: pid, SecretKey: []byte{1, 2, 3, 4}})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	return client.Flush() == nil
}

// cancel passes a cancel request on to the server that works for the client.
func (p *transactionPooler) cancel(pid uint32) {
	held, ok := p.clients.Load(pid)
	if !ok {
		return
	}
	server := held.(*atomic.Pointer[pgconn.HijackedConn]).Load()
	if server == nil {
		return
	}
	conn, err := net.DialTimeout("tcp", server.Conn.RemoteAddr().String(), 5*time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	request, err := (&pgproto3.CancelRequest{ProcessID: server.PID, SecretKey: server.SecretKey}).Encode(nil)
	if err == nil {
		_, _ = conn.Write(request)
	}
}

// answer passes on what the server says until it is ready for the next message.
func answer(client *pgproto3.Backend, server *pgconn.HijackedConn) (status byte, err error) {
	for {
		message, err := server.Frontend.Receive()
		if err != nil {
			return 0, err
		}
		switch m := message.(type) {
		case *pgproto3.CopyInResponse:
			return 0, errors.New("no COPY here")
		case *pgproto3.ReadyForQuery:
			client.Send(m)
			return m.TxStatus, client.Flush()
		}
		client.Send(message)
	}
}
