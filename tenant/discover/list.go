package discover

import (
	"context"

	"github.com/skeindb/skein/tenant"
)

// List is a list of tenants in the config itself. [DecodeYAML] reads the records.
type List struct {
	Name    string // name of the source, else its 1-based index
	Records []Record
	Defaults
}

type list struct {
	spec List
	env  Env
}

// NewList returns the source.
func NewList(spec List, env Env) (tenant.Source, error) {
	if err := spec.Defaults.check(env); err != nil {
		return nil, named(spec.Name, err)
	}
	return &list{spec: spec, env: env}, nil
}

func (l *list) Name() string { return l.spec.Name }

func (l *list) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
	return l.env.tenants(ctx, l.spec.Name, l.spec.Defaults, l.spec.Records)
}
