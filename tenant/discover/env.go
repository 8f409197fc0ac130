package discover

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/tenant"
)

// Env is what sources need from outside: servers, a folder, environment variables. One Env serves all sources.
type Env struct {
	Dir       string                           // folder of the config, where relative paths start; "" = the working directory
	Servers   map[string]string                // name of a server → database of its URL
	Catalog   Catalog                          // reads the servers; nil if there are none
	Registry  Registry                         // takes servers that records bring along; nil: `url_env` is an error
	Chosen    tenant.Selector                  // which tenants are wanted: a source that cannot list any of them is left out
	LookupEnv func(name string) (string, bool) // for `url_env`; nil = os.LookupEnv
}

// Catalog reads the catalogs of PostgreSQL servers. *postgres.DB satisfies it. Methods run in parallel.
type Catalog interface {
	// Databases returns the databases that the filter picks, except templates and those that allow no connections.
	// The connecting role may connect to the open ones, and not to the closed ones.
	Databases(ctx context.Context, server string, f engine.NameFilter) (open, closed []string, err error)

	// Schemas returns the schemas of a database that the filter picks.
	Schemas(ctx context.Context, server, database string, f engine.NameFilter) ([]string, error)

	// DefaultSchema returns current_schema() of the connecting role; "" if there is none.
	DefaultSchema(ctx context.Context, server, database string) (string, error)

	// Query returns the names of the columns, and the rows as text; nil is NULL.
	Query(ctx context.Context, server, database, sql string) (columns []string, rows [][]*string, err error)
}

// Registry takes servers that only a record knows (`url_env`). *postgres.DB satisfies it.
type Registry interface {
	// Register adds a server and returns the database of its URL; "" if that names none. It is called at each discovery,
	// from any goroutine, with servers that may be registered already. The URL holds secrets: no error shows any of it.
	// An error with the method BadURL() (message, advice string) says what is wrong with the URL itself.
	Register(name, url string) (database string, err error)
}

// leftOut returns a *tenant.LeftOut if the selector excludes all tenants of a source: they are on the server, unless it is
// "", and have the labels, if those are known.
func (e Env) leftOut(source, server string, labels map[string]string, known bool) error {
	excluded := e.Chosen.Excludes(func(key string) (string, bool) {
		switch key {
		case "source":
			return source, true
		case "server":
			return server, server != ""
		case "id", "database", "schema", "file", "heads", "state":
			return "", false
		}
		return labels[key], known
	})
	if excluded {
		return &tenant.LeftOut{}
	}
	return nil
}

// path makes a path of the config absolute.
func (e Env) path(path string) (string, error) {
	path = filepath.FromSlash(path)
	if !filepath.IsAbs(path) {
		path = filepath.Join(e.Dir, path)
	}
	return filepath.Abs(path)
}

// checkServer returns what is wrong with the name of a server; "" if it is known.
func (e Env) checkServer(name string) (message, advice string) {
	if _, ok := e.Servers[name]; ok {
		return "", ""
	}
	names := slices.Sorted(maps.Keys(e.Servers))
	advice = text.DidYouMean(name, names)
	if advice == "" && len(names) > 0 {
		advice = "the servers are " + some(names)
	}
	return fmt.Sprintf("there is no server %q in the config", name), advice
}

func (e Env) lookup(name string) (string, bool) {
	if e.LookupEnv != nil {
		return e.LookupEnv(name)
	}
	return os.LookupEnv(name)
}

const (
	width     = 16 // databases read at a time; the server's own limit of connections applies too
	maxFailed = 10 // databases that may fail before the others are not tried
)

// each calls work for all indexes below n, several at a time, and returns the errors in order, without repetitions. It
// continues after an error, to return all of them, but stops after [maxFailed]: a server that is down fails slowly.
func each(ctx context.Context, n int, work func(ctx context.Context, i int) error) []error {
	failed := make([]error, n)
	tokens := make(chan struct{}, maxFailed)
	var group errgroup.Group
	group.SetLimit(width)
	tried := 0
	for ; tried < n && len(tokens) < maxFailed && ctx.Err() == nil; tried++ {
		i := tried
		group.Go(func() error {
			if failed[i] = work(ctx, i); failed[i] != nil {
				select {
				case tokens <- struct{}{}:
				default:
				}
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in failed
	seen := map[string]bool{}
	errs := slices.DeleteFunc(failed, func(err error) bool {
		if err == nil || seen[err.Error()] { // a server that is down is one error, not one a database
			return true
		}
		seen[err.Error()] = true
		return false
	})
	if tried < n {
		if err := ctx.Err(); err != nil {
			return append(errs, &tenant.Error{Message: err.Error(), Err: err})
		}
		left := n - tried
		errs = append(errs, &tenant.Error{
			Message: text.Count(left, "more database") + text.Plural(left, " was", " were") + " not tried",
		})
	}
	return errs
}

// some names the first of a list in a message.
func some(names []string) string { return text.Some(names, 10) }
