package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/store/sqlite"
)

// A rollout that was made by a clock that is ahead stays the earlier one: by its id, in the list, and for those who name none.
func TestIDsFollowTheLatestRollout(t *testing.T) {
	t.Parallel()
	dir := jsonProject(t, "")
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	ahead := time.Now().Add(48 * time.Hour)
	early := plan.NewID(ahead)
	plan := &plan.Plan{Rollout: early, Fleet: "acme", Kind: plan.KindUpgrade, Target: "heads", Created: ahead}
	if err := errors.Join(store.Create(t.Context(), plan), store.Close()); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	execute(t.Context(), []string{"-c", filepath.Join(dir, "skein.yaml"), "upgrade", "-t", "id=t2"}, &streams{in: strings.NewReader(""), out: &out, err: &errs})
	if !strings.Contains(errs.String(), "the clock of this machine is 4") {
		t.Errorf("no warning that the clock is behind: %s", errs.String())
	}
	store, err = sqlite.Open(t.Context(), filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := store.List(t.Context(), "acme", 0)
	if err = errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || list[1].ID != early || list[0].ID <= early || list[2].ID >= early {
		t.Errorf("the rollouts are %v", list)
	}
}
