package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/skeindb/skein/tenant"
)

// Query reads tenants by a query, usually from a table of tenants. The columns are those of a [Record]: `id`, which is
// required, `server`, `database`, `schema`, `file`, `url_env` and `label.NAME`; any other is an error. NULL and empty mean
// not set. A row without server or database means those of the query.
type Query struct {
	Name     string // name of the source, else its 1-based index
	Server   string // where the query runs; required
	Database string // "" = the database of the server's URL
	SQL      string // required
	Labels   map[string]string
}

type query struct {
	spec Query
	env  Env
}

// NewQuery returns the source.
func NewQuery(spec Query, env Env) (tenant.Source, error) {
	var errs []error
	if message, advice := env.checkServer(spec.Server); message != "" {
		errs = append(errs, &tenant.Error{Source: spec.Name, Message: message, Advice: advice})
	} else if spec.Database = cmp.Or(spec.Database, env.Servers[spec.Server]); spec.Database == "" {
		errs = append(errs, &tenant.Error{Source: spec.Name, Message: fmt.Sprintf("the URL of server %s names no database", spec.Server)})
	}
	if spec.SQL == "" {
		errs = append(errs, &tenant.Error{Source: spec.Name, Message: "the query has no sql"})
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &query{spec: spec, env: env}, nil
}

func (q *query) Name() string { return q.spec.Name }

func (q *query) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
	if err := q.env.leftOut(q.spec.Name, "", nil, false); err != nil { // rows have servers and labels of their own
		return nil, nil, err
	}
	names, rows, err := q.env.Catalog.Query(ctx, q.spec.Server, q.spec.Database, q.spec.SQL)
	if err != nil {
		return nil, nil, cannot(err, "the query in database %s on server %s failed", q.spec.Database, q.spec.Server)
	}
	if errs := checkColumns(names, tenant.Position{}); len(errs) > 0 {
		return nil, nil, errors.Join(errs...)
	}
	if len(rows) == 0 {
		return nil, nil, &tenant.Error{
			Message: fmt.Sprintf("the query in database %s on server %s returned no rows", q.spec.Database, q.spec.Server),
		}
	}
	records := make([]Record, len(rows))
	for i, row := range rows {
		for j, value := range row {
			if value != nil {
				records[i].set(names[j], *value)
			}
		}
	}
	defaults := Defaults{Server: q.spec.Server, Database: q.spec.Database, Labels: q.spec.Labels}
	return q.env.tenants(ctx, q.spec.Name, defaults, records)
}
