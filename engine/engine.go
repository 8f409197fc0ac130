package engine

import (
	"context"
	"sync"
	"time"

	"github.com/skeindb/skein/engine/revision"
)

// Engine upgrades tenants of one dialect along one graph. It is safe for concurrent use.
type Engine struct {
	db    Database
	graph *revision.Graph
	cfg   Config

	rendered revision.Renderings
	splits   sync.Map // *Plan → *Plan, of which a server demanded more borders; see run.split
}

// Config says how an Engine works. The zero value is the default of each field.
type Config struct {
	Mode             Mode          // what shares a transaction; default PerTenant
	LockTimeout      time.Duration // of the first attempt; doubles per attempt to 8 s; default 2 s; negative = none
	StatementTimeout time.Duration // default none
	ResolveTimeout   time.Duration // wait for the lock after an uncertain commit; default 30 s
	AllowChanged     bool          // accept tenants in which an applied revision has changed since
	Tool             string        // recorded with each row; default "skein"
}

// maxLockTimeout bounds the doubling of Config.LockTimeout. It is well above deadlock_timeout (1 s): only after that does
// PostgreSQL cancel an autovacuum that holds the lock (manual, "Client Connection Defaults").
const maxLockTimeout = 8 * time.Second

// New returns an Engine over db and graph.
func New(db Database, graph *revision.Graph, cfg Config) *Engine {
	if cfg.Mode == "" {
		cfg.Mode = PerTenant
	}
	if cfg.LockTimeout == 0 {
		cfg.LockTimeout = 2 * time.Second
	}
	if cfg.ResolveTimeout == 0 {
		cfg.ResolveTimeout = 30 * time.Second
	}
	if cfg.Tool == "" {
		cfg.Tool = "skein"
	}
	return &Engine{db: db, graph: graph, cfg: cfg}
}

// With returns an engine with the same database and Config over another graph.
func (e *Engine) With(graph *revision.Graph) *Engine {
	return &Engine{db: e.db, graph: graph, cfg: e.cfg}
}

// WithLockTimeout returns an engine that waits for a lock for at most that long in its first attempt.
func (e *Engine) WithLockTimeout(most time.Duration) *Engine {
	with := e.With(e.graph)
	if d := with.cfg.LockTimeout; d <= 0 || d > most {
		with.cfg.LockTimeout = most
	}
	return with
}

// Graph returns the graph that the engine was made with.
func (e *Engine) Graph() *revision.Graph { return e.graph }

// Mode returns what shares a transaction.
func (e *Engine) Mode() Mode { return e.cfg.Mode }

// AllowChanged reports whether the engine accepts tenants in which an applied revision has changed since.
func (e *Engine) AllowChanged() bool { return e.cfg.AllowChanged }

// lockTimeout is that of the given attempt; 0 = none.
func (e *Engine) lockTimeout(attempt int) time.Duration {
	d := e.cfg.LockTimeout
	if d < 0 {
		return 0
	}
	for ; attempt > 1 && d < maxLockTimeout; attempt-- {
		d = min(2*d, maxLockTimeout)
	}
	return d
}

// Survey reads where locations stand and compares that with the graph. The result has the length and the order of locations; a
// tenant that could not be read is a Standing with an Err.
func (e *Engine) Survey(ctx context.Context, locations []Location) []Standing {
	return e.SurveyRollout(ctx, locations, "")
}

// SurveyRollout is Survey, and also reads which revisions a rollout applied: see [Applied.Of].
func (e *Engine) SurveyRollout(ctx context.Context, locations []Location, rollout string) []Standing {
	standings := e.db.Survey(ctx, locations, rollout)
	judge := newAssessor(e.graph)
	for i := range standings {
		judge.assess(&standings[i])
	}
	return standings
}
