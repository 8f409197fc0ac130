package bench

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/shop"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// The benchmarks run with a few tenants, and what they leave behind is looked at: a comparison with a tool
// who does not do the work would be worth nothing. No time is asserted.

func TestBenchmarksOfSchemas(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	a := newArena(t, server, 3, bestWidth(t, server, 2))
	a.fresh("fresh", 2)
	a.small("small", 2)
	a.noop("noop", 2)
	proxy := pgtest.Proxy(t, server)
	proxy.Latency(time.Millisecond)
	a.through = proxy.Through
	a.small("latency", 1).print()
	for _, s := range a.sides {
		for _, schema := range s.db.schemas {
			got := pgtest.QueryRows(t, s.db.url, `SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = $1::regnamespace
				AND relkind = 'r' AND relname NOT LIKE '%version' ORDER BY 1`, schema)
			if strings.Join(got, " ") != strings.Join(shop.Tables, " ") {
				t.Errorf("%s: schema %s has the tables %q", s.name, schema, got)
			}
			notes := pgtest.Scalar[int](t, s.db.url, `SELECT count(*)::int FROM pg_catalog.pg_attribute
				WHERE attrelid = format('%I.orders', $1::text)::regclass AND attname LIKE 'note%'`, schema)
			if notes != 3 {
				t.Errorf("%s: schema %s has %d of 3 small revisions", s.name, schema, notes)
			}
		}
	}
}

func TestBenchmarksOfDatabases(t *testing.T) {
	t.Parallel()
	d := newDatabases(t, pgtest.Server(t), 3)
	d.small("small", 2)
	d.noop("noop", 1).print()
	for _, s := range d.sides {
		for _, name := range s.names {
			notes := pgtest.Scalar[int](t, d.server.DatabaseURL(name), `SELECT count(*)::int FROM pg_catalog.pg_attribute
				WHERE attrelid = 'public.orders'::regclass AND attname LIKE 'note%'`)
			if notes != 2 {
				t.Errorf("%s: database %s has %d of 2 small revisions", s.name, name, notes)
			}
		}
	}
}

func TestBenchmarksOfAFleet(t *testing.T) {
	t.Parallel()
	a := newArena(t, pgtest.Server(t), 3, 0)
	a.settle()
	o := a.noop("noop", 2)
	a.grow("small").print()
	for i, s := range o.samples {
		if len(s) != 2 || s[0].wall <= 0 {
			t.Errorf("%s: %d samples: %v", o.field[i].name, len(s), s)
		}
	}
	if peak := o.peak(2); peak <= 0 {
		t.Errorf("the binary's memory was not seen: %d", peak)
	}
}

func TestBenchmarksOfFiles(t *testing.T) {
	t.Parallel()
	f := newFiles(t, 3)
	f.fresh("fresh", 1)
	f.small("small", 2)
	f.noop("noop", 1).print()
	for _, s := range f.sides {
		for _, path := range s.paths {
			sqlitetest.Check(t, path)
			notes := sqlitetest.QueryRows(t, path, "SELECT count(*) FROM pragma_table_info('orders') WHERE name LIKE 'note%'")
			if notes[0] != strconv.Itoa(2) {
				t.Errorf("%s: %s has %s of 2 small revisions", s.name, path, notes[0])
			}
		}
	}
}

func TestMiddle(t *testing.T) {
	t.Parallel()
	if got := middle([]float64{1, 2, 9}); got != 2 {
		t.Errorf("middle = %v", got)
	}
}
