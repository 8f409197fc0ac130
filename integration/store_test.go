package integration_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/postgres"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

func openStore(t *testing.T, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestPostgresStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) func() rollout.FullStore {
		url, _ := pgtest.Database(t, pgtest.Server(t))
		return func() rollout.FullStore { return openStore(t, url) }
	})
}

func TestStoreIsMadeByManyAtOnce(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	errs := make(chan error)
	const n = 8
	for range n {
		go func() {
			s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestStoreRetriesAfterABrokenConnection(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	proxy := pgtest.Proxy(t, pgtest.Server(t))
	s := openStore(t, proxy.Through(url))
	if err := s.Create(t.Context(), storetest.Plan("r1", "acme", 5)); err != nil {
		t.Fatal(err)
	}
	events := storetest.Events("r1", 1, storetest.Facts()...)
	if err := s.Append(t.Context(), events[:2]); err != nil {
		t.Fatal(err)
	}
	endBackends(t, url, "skein-store")
	if err := s.Append(t.Context(), events[2:4]); err != nil {
		t.Errorf("after the connection was ended: %v", err)
	}

	// The commit happens and its answer is lost; the call is repeated and must not store twice.
	proxy.LoseAnswers()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	err := s.Append(ctx, events[4:8])
	cancel()
	if err == nil {
		t.Error("an answer came")
	}
	proxy.Heal()
	if err := s.Append(t.Context(), events[4:8]); err != nil {
		t.Errorf("the same again: %v", err)
	}
	_, got, err := s.Load(t.Context(), "r1")
	if err != nil || len(got) != 8 {
		t.Errorf("%d facts, %v; want 8", len(got), err)
	}
}

// endBackends ends all backends of an application in the database of url.
func endBackends(t *testing.T, url, application string) {
	t.Helper()
	pgtest.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = '`+application+`'`)
}

func TestLockEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	mine, theirs := openStore(t, url), openStore(t, url)
	holder := rollout.Holder{Rollout: "r1", Host: "h", PID: 7, User: "u", Since: storetest.Epoch}
	lease, err := mine.Lock(t.Context(), "acme", holder)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lease.Release(context.WithoutCancel(t.Context())) }()
	endBackends(t, url, "skein-store")
	deadline := time.Now().Add(10 * time.Second)
	for { // the server needs a moment to end the backend
		again, err := theirs.Lock(t.Context(), "acme", holder)
		if err == nil {
			if err := again.Release(t.Context()); err != nil {
				t.Error(err)
			}
			break
		}
		if _, held := errors.AsType[*rollout.LockedError](err); !held || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	select {
	case <-lease.Lost():
	case <-time.After(30 * time.Second):
		t.Error("the holder did not notice that its lock is lost")
	}
}

func TestStoreErrorsHideThePassword(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]postgres.Config{
		"no such database": {URL: strings.Replace(url, "/"+cfg.Database, "/none", 1)},
		"no such host":     {URL: "postgres://u:sesame@127.0.0.1:1/x"},
		"no URL":           {URL: "postgres://u:sesame@h:port/x"},
		"its own password": {URL: "postgres://u@127.0.0.1:1/x", Password: func(context.Context) (string, error) { return "sesame", nil }},
	} {
		began := time.Now()
		_, err := postgres.Open(t.Context(), c)
		if err == nil {
			t.Errorf("%s: opened", name)
			continue
		}
		if strings.Contains(err.Error(), "sesame") || cfg.Password != "" && strings.Contains(err.Error(), cfg.Password) {
			t.Errorf("%s: %v", name, err)
		}
		if time.Since(began) > 10*time.Second {
			t.Errorf("%s: it took %s to say so", name, time.Since(began))
		}
	}
}
