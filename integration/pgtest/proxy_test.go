package pgtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/integration/pgtest"
)

func ping(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT 1")
	return err
}

func TestProxyFaults(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	proxy := pgtest.Proxy(t, pgtest.Server(t))
	through := proxy.Through(url)

	conn := pgtest.Connect(t, through)
	proxy.Latency(40 * time.Millisecond)
	at := time.Now()
	if err := ping(t.Context(), conn); err != nil || time.Since(at) < 80*time.Millisecond {
		t.Errorf("with latency: %v after %s, want 80 ms at least", err, time.Since(at))
	}
	proxy.Heal()
	if err := ping(t.Context(), conn); err != nil {
		t.Errorf("after the latency: %v", err)
	}

	proxy.Reset()
	if err := ping(t.Context(), conn); err == nil {
		t.Error("the connection survived a reset")
	}
	proxy.Heal()

	conn = pgtest.Connect(t, through)
	proxy.Blackhole()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := ping(ctx, conn); err == nil || ctx.Err() == nil {
		t.Errorf("blackhole: %v, want silence", err)
	}
	proxy.Heal()

	conn = pgtest.Connect(t, through)
	proxy.LimitData(100)
	if _, err := conn.Exec(t.Context(), "SELECT repeat('x', 100000)"); err == nil {
		t.Error("a long answer passed the limit")
	}
	proxy.Heal()

	conn = pgtest.Connect(t, through)
	proxy.Disable()
	if err := ping(t.Context(), conn); err == nil {
		t.Error("the connection survived Disable")
	}
	if conn, err := pgx.Connect(t.Context(), through); err == nil {
		conn.Close(t.Context())
		t.Error("a disabled proxy accepts connections")
	}
	proxy.Enable()
	if err := ping(t.Context(), pgtest.Connect(t, through)); err != nil {
		t.Errorf("after Enable: %v", err)
	}
}

func TestLostAnswersLeaveTheWorkDone(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	proxy := pgtest.Proxy(t, pgtest.Server(t))
	conn := pgtest.Connect(t, proxy.Through(url))
	proxy.LoseAnswers()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(ctx, "CREATE TABLE done ()"); err == nil {
		t.Error("an answer came")
	}
	if got := pgtest.Scalar[bool](t, url, "SELECT to_regclass('public.done') IS NOT NULL"); !got {
		t.Error("the request was lost as well")
	}
}
