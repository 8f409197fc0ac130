package config

import (
	"context"
	"fmt"

	"github.com/skeindb/skein/tenant"
)

// tolerant is a source with `on_unreachable: warn`: it is left out while its server cannot be reached.
type tolerant struct{ tenant.Source }

// List implements [tenant.Source].
func (t tolerant) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
	tenants, warnings, err := t.Source.List(ctx)
	if tenant.Unreachable(err) {
		return nil, warnings, &tenant.LeftOut{Reason: fmt.Sprintf("its tenants are left out: %v", err)}
	}
	return tenants, warnings, err
}
