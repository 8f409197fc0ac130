package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// queryTimeout bounds each statement of the harness itself.
const queryTimeout = 2 * time.Minute

var (
	process = strings.ToLower(rand.Text()[:8]) // distinguishes the databases of test processes on a shared server
	serial  atomic.Int64
)

// Database creates an empty database and returns its URL and name. It is dropped at the end of the test with
// all connections to it.
func Database(t testing.TB, i *Instance) (url, name string) {
	t.Helper()
	name = fmt.Sprintf("t_%s_%d", process, serial.Add(1))
	Exec(t, i.URL, "CREATE DATABASE "+Quote(name)+" TEMPLATE template0")
	if i.t == nil { // a dedicated server goes as a whole, and may be stopped by then
		t.Cleanup(func() { Exec(t, i.URL, "DROP DATABASE IF EXISTS "+Quote(name)+" WITH (FORCE)") })
	}
	return i.DatabaseURL(name), name
}

// Copies creates n databases as copies of one, to which nothing may be connected, and returns their names, which begin
// with its name. They are dropped at the end of the test.
func Copies(t testing.TB, i *Instance, model string, n int) []string {
	t.Helper()
	names := make([]string, n)
	for k := range names {
		names[k] = fmt.Sprintf("%s_%04d", model, k+1)
		Exec(t, i.URL, "CREATE DATABASE "+Quote(names[k])+" TEMPLATE "+Quote(model))
	}
	if i.t == nil {
		t.Cleanup(func() {
			for _, name := range names {
				Exec(t, i.URL, "DROP DATABASE IF EXISTS "+Quote(name)+" WITH (FORCE)")
			}
		})
	}
	return names
}

// Schemas creates n schemas named prefix0001 and so on, and returns their names.
func Schemas(t testing.TB, url, prefix string, n int) []string {
	t.Helper()
	names := make([]string, n)
	for k := range names {
		names[k] = fmt.Sprintf("%s%04d", prefix, k+1)
	}
	conn, hangUp := dial(t, url)
	defer hangUp()
	const chunk = 500 // a message is a transaction, and each schema takes a lock
	for from := 0; from < n; from += chunk {
		var sql strings.Builder
		for _, name := range names[from:min(from+chunk, n)] {
			sql.WriteString("CREATE SCHEMA " + Quote(name) + ";")
		}
		run(t, conn, sql.String())
	}
	return names
}

// Exec runs SQL, which may be several statements; those without transaction control of their own are one
// transaction.
func Exec(t testing.TB, url string, sql ...string) {
	t.Helper()
	conn, hangUp := dial(t, url)
	defer hangUp()
	for _, s := range sql {
		run(t, conn, s)
	}
}

func run(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		t.Fatalf("pgtest: %v\n%s", err, excerpt(sql, err))
	}
}

// QueryRows returns the rows of a query as psql -At prints them: columns in their text form, joined by "|", null as
// nothing.
func QueryRows(t testing.TB, url, sql string, args ...any) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	conn, hangUp := dial(t, url)
	defer hangUp()
	rows, err := queryText(ctx, conn, sql, args...)
	if err != nil {
		t.Fatalf("pgtest: %v\n%s", err, excerpt(sql, err))
	}
	lines := make([]string, len(rows))
	for k, row := range rows {
		lines[k] = strings.Join(row, "|")
	}
	return lines
}

// queryText reads all values in text form.
func queryText(ctx context.Context, conn *pgx.Conn, sql string, args ...any) ([][]string, error) {
	args = append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, args...)
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all [][]string
	for rows.Next() {
		var row []string
		for _, value := range rows.RawValues() {
			row = append(row, string(value))
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// Scalar returns the one value of a query.
func Scalar[T any](t testing.TB, url, sql string, args ...any) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	conn, hangUp := dial(t, url)
	defer hangUp()
	var value T
	if err := conn.QueryRow(ctx, sql, args...).Scan(&value); err != nil {
		t.Fatalf("pgtest: %v\n%s", err, excerpt(sql, err))
	}
	return value
}

// Connect opens a connection that is closed at the end of the test.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, hangUp := dial(t, url)
	t.Cleanup(hangUp)
	return conn
}

func dial(t testing.TB, url string) (conn *pgx.Conn, hangUp func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return conn, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}
}

// Quote quotes an identifier.
func Quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// excerpt is the part of a statement that an error points at, else its start.
func excerpt(sql string, err error) string {
	const around = 300
	runes := []rune(sql)
	at := 0
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		at = int(pgErr.Position)
	}
	from, to := max(0, at-around), min(len(runes), at+around)
	return string(runes[min(from, to):to])
}
