package orchestrator_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

type oneTenant struct{ tenant.Tenant }

func (oneTenant) Name() string { return "one" }

func (s oneTenant) List(context.Context) ([]tenant.Tenant, []string, error) {
	return []tenant.Tenant{s.Tenant}, nil, nil
}

func config(t *testing.T) orchestrator.Config {
	t.Helper()
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	g, err := revision.NewGraph(nil)
	if err != nil {
		t.Fatal(err)
	}
	one := oneTenant{tenant.Tenant{ID: "a", Source: "one", Location: engine.Location{Dialect: revision.SQLite, File: "/nowhere/a.db"}}}
	return orchestrator.Config{Fleet: "f", Engine: engine.New(db, g, engine.Config{}), Sources: []tenant.Source{one}}
}

func TestNewChecksThePolicy(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Policy.Waves = []plan.WaveSpec{{Name: "a", Gate: plan.Gate{Checks: []plan.Check{{Name: "probe"}}}}}
	_, err := orchestrator.New(cfg)
	if e, ok := errors.AsType[*plan.Error](err); !ok || e.Reason != plan.ReasonPolicy {
		t.Errorf("got %v, want an error of the policy", err)
	}
}

func TestErrorsOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	o, err := orchestrator.New(config(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "no plan") {
		t.Errorf("got %v, want an error that names the plan", err)
	}
	_, err = o.Resume(t.Context(), "nosuch", control.By{})
	if e, ok := err.(*control.Error); !ok || e.Hint() == "" || !errors.Is(err, rollout.ErrNoRollout) { //nolint:errorlint // not wrapped
		t.Errorf("got %T %v, want a *control.Error that is ErrNoRollout", err, err)
	}
	if _, err := o.Resume(t.Context(), "", control.By{}); err == nil || !strings.Contains(err.Error(), "no rollout is named") {
		t.Errorf("got %v, want an error that says that no rollout is named", err)
	}
}
