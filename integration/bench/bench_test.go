package bench

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/skeindb/skein/integration/pgtest"
)

// The sizes of the promises.
const (
	tenants       = 1000  // fresh and small
	fleet         = 10000 // no-op, memory
	pairs         = 300   // tenant by tenant
	latent        = 300   // fresh over a slow network
	files         = 2000  // SQLite
	databaseCount = 100   // a database a tenant
	networkLag    = 5 * time.Millisecond
)

// BenchmarkPostgres is fresh upgrades, small ones and nothing to do for 1,000 schemas, then the first two over
// a network that takes its time.
func BenchmarkPostgres(b *testing.B) {
	server := pgtest.New(b, pgtest.Options{Settings: settings})
	describe(b, server)
	gooses := 0
	if takesPart(nameGoose) {
		gooses = bestWidth(b, server, tenants/10)
	}
	a := newArena(b, server, tenants, gooses)
	n := *rounds
	b.Run("fresh", func(b *testing.B) {
		a.fresh(fmt.Sprintf("%d schemas × 10 revisions, goose at width %d", tenants, gooses), n).report(b)
	})
	b.Run("small", func(b *testing.B) { a.small(fmt.Sprintf("one small revision to %d schemas", tenants), 3*n).report(b) })
	b.Run("noop", func(b *testing.B) { a.noop(fmt.Sprintf("nothing to do for %d schemas", tenants), 2*n).report(b) })
	proxy := pgtest.Proxy(b, server)
	proxy.Latency(networkLag)
	a.through = proxy.Through
	a.sides = slices.DeleteFunc(a.sides, func(s *side) bool { return s.name == nameGoose })
	b.Run("small-latency", func(b *testing.B) {
		a.small(fmt.Sprintf("one small revision to %d schemas, %s of delay each way", tenants, networkLag), n).report(b)
	})
	a.size = latent
	b.Run("fresh-latency", func(b *testing.B) {
		a.fresh(fmt.Sprintf("%d schemas × 10 revisions, %s of delay each way", latent, networkLag), n).report(b)
	})
}

// BenchmarkDatabases is one small revision, and nothing to do, for a database a tenant: with room for a connection to
// each of them, and without.
func BenchmarkDatabases(b *testing.B) {
	for _, room := range []struct{ name, connections string }{{"fit", "400"}, {"tight", "100"}} {
		b.Run(room.name, func(b *testing.B) {
			with := maps.Clone(settings)
			with["max_connections"] = room.connections
			d := newDatabases(b, pgtest.New(b, pgtest.Options{Settings: with}), databaseCount)
			b.Run("small", func(b *testing.B) {
				d.small(fmt.Sprintf("one small revision to %d databases, max_connections %s", d.size, room.connections), *rounds).report(b)
			})
			b.Run("noop", func(b *testing.B) {
				d.noop(fmt.Sprintf("nothing to do for %d databases, max_connections %s", d.size, room.connections), *rounds).report(b)
			})
		})
	}
}

// BenchmarkTurns compares message with message, tenant by tenant.
func BenchmarkTurns(b *testing.B) {
	u := newTurns(b, pgtest.New(b, pgtest.Options{Settings: settings}), pairs)
	b.Run("fresh", func(b *testing.B) {
		r := u.upgrade(0)
		r.report(b, fmt.Sprintf("One tenant after the other: %d pairs × 10 revisions", pairs))
	})
	var all turn
	for k := range *rounds {
		r := u.upgrade(k + 1)
		all.limit, all.skein = append(all.limit, r.limit...), append(all.skein, r.skein...)
	}
	b.Run("small", func(b *testing.B) {
		all.report(b, fmt.Sprintf("One tenant after the other: %d pairs × %d small revisions", pairs, *rounds))
	})
}

// BenchmarkFleet is nothing to do for 10,000 schemas, and the memory that the binary takes for 1,000 and 10,000.
func BenchmarkFleet(b *testing.B) {
	server := pgtest.New(b, pgtest.Options{Settings: settings})
	for _, size := range []int{tenants, fleet} {
		a := newArena(b, server, size, 0)
		a.settle()
		b.Run(fmt.Sprintf("noop/%d", size), func(b *testing.B) {
			a.noop(fmt.Sprintf("nothing to do for %d schemas (limit: plain reads)", size), 2**rounds).report(b)
		})
		b.Run(fmt.Sprintf("small/%d", size), func(b *testing.B) {
			a.grow(fmt.Sprintf("memory of one small revision to %d schemas", size)).report(b)
		})
	}
}

// BenchmarkSQLite is fresh upgrades and nothing to do for 2,000 files.
func BenchmarkSQLite(b *testing.B) {
	f := newFiles(b, files)
	b.Run("fresh", func(b *testing.B) { f.fresh(fmt.Sprintf("SQLite: %d files × 10 revisions", files), *rounds).report(b) })
	b.Run("small", func(b *testing.B) {
		f.small(fmt.Sprintf("SQLite: one small revision to %d files", files), *rounds).report(b)
	})
	b.Run("noop", func(b *testing.B) {
		f.noop(fmt.Sprintf("SQLite: nothing to do for %d files", files), *rounds).report(b)
	})
}

// describe notes what was measured on, but for names.
func describe(t testing.TB, server *pgtest.Instance) {
	t.Helper()
	version := pgtest.Scalar[string](t, server.URL, "SHOW server_version")
	printed.add(fmt.Sprintf("\n%d cores for client and server, %s/%s, %s, PostgreSQL %s (%s)\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), version, server.Way))
}

// bestWidth is the one at which goose is fastest.
func bestWidth(t testing.TB, server *pgtest.Instance, n int) int {
	t.Helper()
	best, least := 0, time.Duration(0)
	for _, width := range []int{4, 8, 16} {
		w := newDatabase(t, server, n)
		begun := time.Now()
		(&gooseLoop{t, width}).postgres(w.url, w.schemas, 0)
		if took := time.Since(begun); best == 0 || took < least {
			best, least = width, took
		}
	}
	return best
}
