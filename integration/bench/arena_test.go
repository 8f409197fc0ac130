package bench

import (
	"slices"
	"testing"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
)

// width is how many tenants at once skein begins with by default, and so how wide the limit is.
const width = 8

const (
	nameLimit   = "limit"
	nameLibrary = "skein, library"
	nameBinary  = "skein, binary"
	nameGoose   = "goose"
)

// renewal is what the limit does to be fast: it replaces a connection after so many long chains.
const renewal = 50

// arena is a server and who works on it, each in a database of their own.
type arena struct {
	t       testing.TB
	server  *pgtest.Instance
	through func(url string) string // the network
	cpu     func() time.Duration
	size    int // tenants
	sides   []*side
}

// side is one who works in an arena.
type side struct {
	name  string
	ready func(extra int)                   // not timed; nil = nothing to do
	up    func(w *database, extra int) used // brings all tenants to the heads of history(extra)
	noop  func(w *database, extra int) used // the same where they are there already; nil = up

	db    *database // of its tenants; nil before the first
	extra int       // small revisions that they have
}

// newArena has the limit, skein's library, its binary and, if gooses is above 0, goose's library at that width.
func newArena(t testing.TB, server *pgtest.Instance, size, gooses int) *arena {
	t.Helper()
	a := &arena{t: t, server: server, through: func(url string) string { return url }, cpu: serverCPU(t, server.URL), size: size}
	a.sides = []*side{a.limit()}
	if takesPart(nameLibrary) {
		a.sides = append(a.sides, a.library())
	}
	if takesPart(nameBinary) {
		a.sides = append(a.sides, a.binary())
	}
	if takesPart(nameGoose) && gooses > 0 {
		a.sides = append(a.sides, a.goose(gooses))
	}
	return a
}

func (a *arena) limit() *side {
	return &side{
		name: nameLimit,
		up: func(w *database, extra int) used {
			if extra == 0 {
				(&limit{a.t, width, renewal}).fresh(a.through(w.url), w.schemas)
			} else {
				(&limit{a.t, width, 0}).small(a.through(w.url), w.schemas, extra)
			}
			return used{}
		},
		noop: func(w *database, _ int) used {
			(&limit{t: a.t}).look(a.through(w.url), w.schemas, "limit_version")
			return used{}
		},
	}
}

func (a *arena) library() *side {
	l := newLibrary(a.t)
	return &side{
		name: nameLibrary,
		up: func(w *database, extra int) used {
			l.postgres(a.through(w.url), w.name, w.schemas, extra)
			return used{}
		},
	}
}

func (a *arena) binary() *side {
	b := newBinary(a.t, revision.Postgres, schemasConfig)
	return &side{
		name:  nameBinary,
		ready: b.write,
		up:    func(w *database, _ int) used { return b.upgrade(a.through(w.url)) },
	}
}

func (a *arena) goose(width int) *side {
	g := &gooseLoop{a.t, width}
	return &side{
		name: nameGoose,
		up: func(w *database, extra int) used {
			g.postgres(a.through(w.url), w.schemas, extra)
			return used{}
		},
	}
}

// compare lets sides do something in turn.
func (a *arena) compare(title string, tenants, rounds int, sides []*side, prepare func(*side), run func(*side) used) *outcome {
	c := &comparison{title: title, tenants: tenants, rounds: rounds, cpu: a.cpu}
	for _, s := range sides {
		c.field = append(c.field, contender{
			name:    s.name,
			prepare: func(int) { prepare(s) },
			run:     func(int) used { return run(s) },
		})
	}
	return c.run(a.t)
}

// fresh: ten revisions to tenants that have none, in a new database each time. Old ones stay until the server
// goes, since ext4 is slow for minutes after a database was dropped.
func (a *arena) fresh(title string, rounds int) *outcome {
	return a.compare(title, a.size, rounds, a.sides, func(s *side) {
		s.db, s.extra = newDatabase(a.t, a.server, a.size), 0
		s.make(0)
	}, func(s *side) used { return s.up(s.db, 0) })
}

// small: one more revision, which adds a column, to tenants that stand at the heads.
func (a *arena) small(title string, rounds int) *outcome {
	for _, s := range a.sides {
		if s.db == nil {
			s.db = newDatabase(a.t, a.server, a.size)
			s.make(0)
			s.up(s.db, 0)
		}
	}
	return a.compare(title, a.size, rounds, a.sides, func(s *side) {
		s.extra++
		s.make(s.extra)
		calm(a.t, s.db.url)
	}, func(s *side) used { return s.up(s.db, s.extra) })
}

// noop: nothing to do. It follows small.
func (a *arena) noop(title string, rounds int) *outcome {
	return a.compare(title, a.size, rounds, a.sides, func(*side) {}, func(s *side) used {
		if s.noop != nil {
			return s.noop(s.db, s.extra)
		}
		return s.up(s.db, s.extra)
	})
}

func (s *side) make(extra int) {
	if s.ready != nil {
		s.ready(extra)
	}
}

// settle puts all sides but goose, which would take long, into one database of tenants that stand at the heads.
func (a *arena) settle() {
	w := fleetAtHead(a.t, a.server, a.size)
	for _, s := range a.sides {
		s.db = w
		s.make(0)
	}
	a.sides[0].noop = func(w *database, _ int) used {
		(&limit{t: a.t}).look(a.through(w.url), w.schemas, "skein_version")
		return used{}
	}
}

// grow is one small revision by the binary to the tenants of settle.
func (a *arena) grow(title string) *outcome {
	by := slices.DeleteFunc(slices.Clone(a.sides), func(s *side) bool { return s.name != nameBinary })
	return a.compare(title, a.size, 1, by, func(s *side) {
		s.extra++
		s.make(s.extra)
	}, func(s *side) used { return s.up(s.db, s.extra) })
}
