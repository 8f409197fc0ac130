package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
)

// turns lets the limit and skein's engine change one tenant after the other, in turn, over one connection each.
// Whatever slows the machine slows both, so this separates them where wall times of whole fleets do not. It
// says nothing of the survey, the store and the scheduling.
type turns struct {
	t     testing.TB
	pairs *database
	db    *postgres.DB
}

// turn is what was measured of each pair of tenants.
type turn struct{ limit, skein []time.Duration }

func newTurns(t testing.TB, server *pgtest.Instance, pairs int) *turns {
	t.Helper()
	w := newDatabase(t, server, 2*pairs)
	db, err := postgres.New(postgres.Config{Servers: []postgres.Server{{Name: "main", URL: w.url, AutoSearchPath: true}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &turns{t, w, db}
}

// upgrade brings even schemas to the limit's history(extra), and odd ones to skein's.
func (u *turns) upgrade(extra int) turn {
	u.t.Helper()
	ctx := u.t.Context()
	g := load(u.t, history(u.t, revision.Postgres, extra), revision.Postgres)
	e := engine.New(u.db, g, engine.Config{})
	var targets []engine.Location
	for i := 1; i < len(u.pairs.schemas); i += 2 {
		targets = append(targets, engine.Location{Dialect: revision.Postgres, Server: "main", Database: u.pairs.name, Schema: u.pairs.schemas[i]})
	}
	standings := e.Survey(ctx, targets)
	steps := g.All()
	if extra > 0 {
		steps = steps[len(steps)-1:]
	}
	plan := engine.NewPlan(standings[0].Applied, revision.Up, steps, engine.PerTenant)

	l := &limit{t: u.t}
	rest := l.freshBody()
	if extra > 0 {
		rest = l.smallBody(extra)
	}
	var result turn
	var c *pgconn.PgConn
	for i, target := range targets {
		var err error
		begun := time.Now()
		if extra == 0 && i%renewal == 0 || c == nil {
			if c != nil {
				_ = c.Close(ctx)
			}
			if c, err = pgconn.Connect(ctx, u.pairs.url); err != nil {
				u.t.Fatal(err)
			}
		}
		if err := c.Exec(ctx, limitMessage(u.pairs.schemas[2*i], rest)).Close(); err != nil {
			u.t.Fatal(err)
		}
		between := time.Now()
		if _, err := e.Apply(ctx, engine.Job{Location: target, Standing: standings[i], Plan: plan, Attempt: 1, Rollout: "20261101-000000-abcd"}); err != nil {
			u.t.Fatal(err)
		}
		result.limit = append(result.limit, between.Sub(begun))
		result.skein = append(result.skein, time.Since(between))
	}
	_ = c.Close(ctx)
	return result
}

// ratio is the median of skein's time over the limit's, pair by pair.
func (r *turn) ratio() float64 {
	var all []float64
	for i := range r.limit {
		all = append(all, float64(r.skein[i])/float64(r.limit[i]))
	}
	slices.Sort(all)
	return middle(all)
}

func (r *turn) report(b *testing.B, title string) {
	b.Helper()
	mean := func(d []time.Duration) time.Duration {
		total := time.Duration(0)
		for _, v := range d {
			total += v
		}
		return total / time.Duration(len(d))
	}
	median := func(d []time.Duration) time.Duration { return middle(slices.Sorted(slices.Values(d))) }
	printed.add(fmt.Sprintf("\n### %s\n\n| | median ms | mean ms |\n|---|---|---|\n| limit | %.3f | %.3f |\n| skein, engine | %.3f | %.3f |\n\nMedian of the ratios: **%.2f**\n",
		title, ms(median(r.limit)), ms(mean(r.limit)), ms(median(r.skein)), ms(mean(r.skein)), r.ratio()))
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(r.ratio(), "x:skein,-engine")
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
