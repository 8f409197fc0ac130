package config

import (
	"context"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/notify"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// Project is a config after all merging: what the other packages take. Read-only.
type Project struct {
	Fleet     string
	Path      string // of the config, as it was named
	Dir       string // its folder, as it was named; where relative paths of the config start
	Revisions Revisions
	State     State
	Servers   []Server      // as in the file, then those that only the environment knows
	Guards    tenant.Guards // without Known
	Touches   []string      // guards.touches: what revisions may change outside of a tenant, as globs over schema.name
	Compare   Compare
	Policy    plan.Policy
	Notify    []notify.Hook     // who is told about a rollout; their URLs are read when they are used
	Engine    engine.Config     // without AllowChanged and Tool
	Vars      map[string]string // -x key=value
	Warnings  []string          // for people: variables that were probably meant to be keys, pins that have ended

	dialect  revision.Dialect
	sources  []source
	settings []Setting
	lookup   func(string) (string, bool) // the environment that Load was given
}

// Revisions is the section of that name.
type Revisions struct {
	Dir    string // folder of the files, below [Project.Dir] unless it is absolute
	Heads  Heads
	Schema string            // file with the desired structure; "" = none
	Naming map[string]string // by kind of object: ix, uq, ck, fk, pk; those that are set
	Hooks  []Hook            // in order
}

// Heads says whether the graph may have several heads.
type Heads string

const (
	Single Heads = "single" // `check` reports a second head
	Many   Heads = "many"
)

// Hook is a program that is run on a new revision file.
type Hook struct {
	Run []string // the program and its arguments; `{file}` stands for the file
}

// State is the section of that name.
type State struct {
	VersionTable   string
	Store          Secret // a path or a postgres:// URL; see [Project.Store]
	KeepDowngrades bool   // upgrades keep the downgrade sections of what they apply in the store
}

// Server is one PostgreSQL server.
type Server struct {
	Name           string
	URL            Secret // zero only when Load was told Offline
	Password       Secret // zero: that of the URL, if any
	DirectURL      Secret // zero: URL is direct
	MaxConnections int
	KeepsIdle      bool     // max_connections is not set: idle connections may be more, see postgres.Server
	SearchPath     []string // schemas that follow the tenant's
	AutoSearchPath bool     // in place of SearchPath: those that hold extensions
}

// Compare is the section of that name.
type Compare struct {
	Scope    string // tenant or database
	Exclude  []string
	Types    bool
	Defaults bool
}

// Dialect is that of the revisions: revisions.dialect, else that of the sources, else postgres.
func (p *Project) Dialect() revision.Dialect { return p.dialect }

// Store returns where rollouts are kept: the path of a SQLite file, or a postgres:// URL, which may hold
// a password. One of the two is "".
func (p *Project) Store(ctx context.Context) (file, url string, err error) {
	text, err := p.State.Store.Value(ctx)
	if err != nil {
		return "", "", err
	}
	if !strings.Contains(text, "://") {
		return within(p.Dir, text), "", nil
	}
	return "", text, nil
}
