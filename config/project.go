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

// Project is the effective config, in the types of the other packages. It is read-only.
type Project struct {
	Fleet     string
	Path      string // path of the config, as given
	Dir       string // folder of the config, as given; relative paths in the config start here
	Revisions Revisions
	State     State
	Servers   []Server      // in the order of the file, then those defined by variables only
	Guards    tenant.Guards // without Known
	Touches   []string      // objects outside a tenant that revisions may change: globs over schema.name
	Compare   Compare
	Policy    plan.Policy
	Notify    []notify.Hook     // webhooks; their URLs are read when they are used
	Engine    engine.Config     // without AllowChanged and Tool
	Vars      map[string]string // -x key=value
	Warnings  []string          // variables that probably were meant to set a key; pins that have ended

	dialect  revision.Dialect
	sources  []source
	settings []Setting
	lookup   func(string) (string, bool) // Options.Env
}

// Revisions is the section `revisions`.
type Revisions struct {
	Dir    string // folder of the revision files, relative to [Project.Dir] unless absolute
	Heads  Heads
	Schema string            // file with the desired structure; "" = none
	Naming map[string]string // by kind of object (ix, uq, ck, fk, pk); only those that are set
	Hooks  []Hook            // in order
}

// Heads is whether the graph may have several heads.
type Heads string

const (
	Single Heads = "single" // `skein check` reports a second head
	Many   Heads = "many"   // several heads are fine
)

// Hook is a program that runs on each new revision file.
type Hook struct {
	Run []string // the program and its arguments; `{file}` stands for the file
}

// State is the section `state`.
type State struct {
	VersionTable   string
	Store          Secret // a path or a postgres:// URL; see [Project.Store]
	KeepDowngrades bool   // an upgrade stores the downgrade sections of what it applies
}

// Server is one PostgreSQL server.
type Server struct {
	Name           string
	URL            Secret // zero only with Options.Offline
	Password       Secret // zero = that of the URL, if any
	DirectURL      Secret // zero = URL is direct
	MaxConnections int
	KeepsIdle      bool     // max_connections is not set: idle connections may exceed it, see postgres.Server
	SearchPath     []string // schemas after the tenant's
	AutoSearchPath bool     // instead of SearchPath: the schemas that contain extensions
}

// Compare is the section `compare`.
type Compare struct {
	Scope    string // tenant or database
	Exclude  []string
	Types    bool
	Defaults bool
}

// Dialect returns the dialect of the revisions: revisions.dialect, else that of the sources, else postgres.
func (p *Project) Dialect() revision.Dialect { return p.dialect }

// Store returns where rollouts are stored: the path of a SQLite file, or a postgres:// URL, which may contain a password.
// The other one is "".
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
