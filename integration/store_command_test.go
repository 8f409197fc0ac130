package integration_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

// The commit happens and its answer is lost; the command is said again and must not count twice.
func TestCommandWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	proxy := pgtest.Proxy(t, pgtest.Server(t))
	s := openStore(t, proxy.Through(url))
	if err := s.Create(t.Context(), storetest.Plan("r1", "acme", 5)); err != nil {
		t.Fatal(err)
	}
	endBackends(t, url, "skein-store")
	if c, err := s.Send(t.Context(), storetest.Command("r1", 1)); err != nil || c.Seq != 1 {
		t.Errorf("after the connection was ended: %v %v", c, err)
	}
	proxy.LoseAnswers()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	_, err := s.Send(ctx, storetest.Command("r1", 2))
	cancel()
	if err == nil {
		t.Error("an answer came")
	}
	proxy.Heal()
	if c, err := s.Send(t.Context(), storetest.Command("r1", 2)); err != nil || c.Seq != 2 {
		t.Errorf("the same again: %v %v, want number 2", c, err)
	}
	if list, err := s.Since(t.Context(), "r1", 0); err != nil || len(list) != 2 {
		t.Errorf("%d commands, %v; want 2", len(list), err)
	}
}

// A database may have another isolation for its default, in which a transaction sees what was there at its beginning.
func TestCommandsAreNumberedUnderAnyIsolation(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"repeatable read", "serializable"} {
		t.Run(isolation, func(t *testing.T) {
			t.Parallel()
			url, _ := pgtest.Database(t, pgtest.Server(t))
			cfg, err := pgx.ParseConfig(url)
			if err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, url, `ALTER DATABASE `+pgx.Identifier{cfg.Database}.Sanitize()+` SET default_transaction_isolation = '`+isolation+`'`)
			if err := openStore(t, url).Create(t.Context(), storetest.Plan("r1", "acme", 5)); err != nil {
				t.Fatal(err)
			}
			const operators, each = 8, 5
			var wait sync.WaitGroup
			for i := range operators {
				s := openStore(t, url)
				wait.Go(func() {
					for k := range each {
						if _, err := s.Send(t.Context(), storetest.Command("r1", i*each+k)); err != nil {
							t.Errorf("operator %d: %v", i, err)
						}
					}
				})
			}
			wait.Wait()
			list, err := openStore(t, url).Since(t.Context(), "r1", 0)
			if err != nil || len(list) != operators*each {
				t.Fatalf("%d commands, %v; want %d", len(list), err, operators*each)
			}
			for i, c := range list {
				if c.Seq != int64(i)+1 {
					t.Errorf("number %d at place %d", c.Seq, i+1)
				}
			}
		})
	}
}

// A store that a program without commands wrote gets their table, and keeps what it has.
func TestOldStoreIsMigrated(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	pgtest.Exec(t, url, `CREATE SCHEMA skein`)
	first, err := os.ReadFile("../orchestrator/store/internal/record/migrations/postgres/store0001_rollouts.sql")
	if err != nil {
		t.Fatal(err)
	}
	g, err := revision.Load(fstest.MapFS{"store0001_rollouts.sql": {Data: first}}, revision.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	db, err := postgres.New(postgres.Config{Servers: []postgres.Server{{Name: "store", URL: url}}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	old := engine.New(db, g, engine.Config{})
	target := engine.Location{Dialect: revision.Postgres, Server: "store", Database: cfg.Database, Schema: "skein"}
	standing := old.Survey(t.Context(), []engine.Location{target})[0]
	plan := engine.NewPlan(standing.Applied, revision.Up, []*revision.Revision{g.Get("store0001")}, old.Mode())
	if _, err := old.Apply(t.Context(), engine.Job{Location: target, Standing: standing, Plan: plan, Attempt: 1}); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, strings.TrimSpace(`
		INSERT INTO skein.rollout VALUES ('r0', 'acme', 'upgrade', 'heads', now(), 5, 0, 'running', NULL, '{"pending":5}')`))

	s := openStore(t, url)
	if list, err := s.List(t.Context(), "acme", 0); err != nil || len(list) != 1 || list[0].ID != "r0" {
		t.Errorf("the old rollout: %v %v", list, err)
	}
	if list, err := s.Since(t.Context(), "r0", 0); err != nil || list == nil || len(list) != 0 {
		t.Errorf("its commands: %v %v", list, err)
	}
	if c, err := s.Send(t.Context(), storetest.Command("r0", 1)); err != nil || c.Seq != 1 {
		t.Errorf("a command for it: %v %v", c, err)
	}
}
