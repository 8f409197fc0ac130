package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

// withCutOffSection is a standing in which a no-transaction section was cut off, as a survey judges it.
func withCutOffSection(s engine.Standing, id string, dir revision.Direction) engine.Standing {
	c := engine.CutOff{Revision: id, Direction: dir}
	s.CutOff = []engine.CutOff{c}
	if dir == revision.Down {
		s.State, s.Err = engine.Unknown, c.Err()
	}
	return s
}

func TestTenantsWithACutOffSectionAreFinishedFirst(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	half, down := withCutOffSection(standingAt(g, "a", "b"), "c", revision.Up), withCutOffSection(standingAt(g, "a", "b", "c"), "c", revision.Down)
	for name, test := range map[string]struct {
		kind   plan.Kind
		target string
		from   engine.Standing
		want   string
	}{
		"half applied, up":                  {plan.KindUpgrade, "heads", half, "c"},
		"half applied, down":                {plan.KindDowngrade, "a", half, "refused revision"},
		"half applied, stamped":             {plan.KindStamp, "heads", half, "c"},
		"half taken down, up":               {plan.KindUpgrade, "heads", down, "refused revision"},
		"half taken down, down":             {plan.KindDowngrade, "a", down, "c b"},
		"half taken down, stamped as it is": {plan.KindStamp, "heads", down, "c c"},
	} {
		req := request()
		req.Kind, req.Targets = test.kind, []string{test.target}
		p, err := plan.New(members(tenantsOn("t", 1), []engine.Standing{test.from}), g, req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]string{"t-0001: " + test.want}, cohortsInWords(p.Stored())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if refused := p.Cohorts[0].Failure; refused != nil && (refused.Revision != "c" || refused.Hint == "") {
			t.Errorf("%s: the refusal names revision %q, want c, with a hint: %+v", name, refused.Revision, refused)
		}
	}
}

func TestTenantsWithACutOffSectionAreCohortsOfTheirOwn(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	same := standingAt(g, "a", "b")
	p := newPlan(t, g, tenantsOn("t", 3), []engine.Standing{same, withCutOffSection(same, "c", revision.Up), same})
	if len(p.Cohorts) != 2 || p.Cohorts[0].Count != 2 || p.Cohorts[0].Stands == p.Cohorts[1].Stands {
		t.Errorf("%d cohorts, want 2 that stand at different places: %+v", len(p.Cohorts), p.Cohorts)
	}
}

// TestRollbackIsRefusedWhereASectionWasCutOff, also of a tenant that has no row of the rollout.
func TestRollbackIsRefusedWhereASectionWasCutOff(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	for name, rows := range map[string]string{"with rows of the rollout": "a b:r1", "with none": "a b"} {
		s := newUpgradeHistory(t, g, 3)
		s.run([]int{1, 2}, false, s.ended(1, plan.OutcomeDone, "a", "c", 2, ""), s.ended(2, plan.OutcomeFailed, "a", "b", 1, engine.Data))
		s.standings = []engine.Standing{rowsOf(g, "a b:r1 c:r1"), withCutOffSection(rowsOf(g, rows), "c", revision.Up), withCutOffSection(rowsOf(g, "a"), "b", revision.Up)}
		_, err := s.rollback(false)
		blocked, ok := errors.AsType[*plan.Error](err)
		if !ok || blocked.Reason != plan.ReasonBlocked || blocked.Tenants != 1 || blocked.Others != 1 || !strings.Contains(blocked.Error(), "revision c is half applied") || !strings.Contains(blocked.Hint(), "resume") {
			t.Errorf("%s: want one tenant that blocks and one other: %v, %+v", name, err, blocked)
			continue
		}
		p, err := s.rollback(true)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]string{"t-0001: c b", "t-0002: skipped"}, cohortsInWords(p.Stored())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A tenant that a downgrade left half-way is no reason to roll back an upgrade that did nothing.
func TestRollbackOfNothingWhereADowngradeWasCutOff(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	s := newUpgradeHistory(t, g, 1)
	s.run([]int{1}, false, s.ended(1, plan.OutcomeFailed, "b", "b", 0, engine.Data))
	s.standings = []engine.Standing{withCutOffSection(rowsOf(g, "a b"), "b", revision.Down)}
	if p, err := s.rollback(false); err == nil || !strings.Contains(err.Error(), "nothing to take back") {
		t.Errorf("got %v, %v, want that there is nothing to take back", p, err)
	}
}

// TestRollbackFinishesACutOffSection: the section of a downgrade continues.
func TestRollbackFinishesACutOffSection(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	s := newUpgradeHistory(t, g, 1)
	s.run([]int{1}, false, s.ended(1, plan.OutcomeDone, "a", "c", 2, ""))
	s.standings = []engine.Standing{rowsOf(g, "a b:r1 c:r1")}
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	s.standings = []engine.Standing{withCutOffSection(rowsOf(g, "a b:r1 c:r1"), "c", revision.Down)}
	again, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := plan.Resume(p.Stored(), rollout.HistoryOf(nil), members(s.tenants, s.standings), g, plan.ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for what, p := range map[string]*plan.Plan{"planned again": again.Stored(), "resumed": resumed.Stored()} {
		if diff := cmp.Diff([]string{"t-0001: c b"}, cohortsInWords(p)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// TestResumeFinishesACutOffSection: the plan was made before the section began.
func TestResumeFinishesACutOffSection(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	s := newUpgradeHistory(t, g, 1)
	s.run([]int{1}, true, s.ended(1, plan.OutcomeFailed, "a", "b", 1, engine.Data))
	s.standings = []engine.Standing{withCutOffSection(rowsOf(g, "a b:r1"), "c", revision.Up)}
	events := storetest.Events("r1", 1, s.facts...)
	p, err := plan.Resume(rollout.Current(s.stored, events), rollout.HistoryOf(events), members(s.tenants, s.standings), g, plan.ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t-0001: c"}, cohortsInWords(p.Stored())); diff != "" {
		t.Errorf("resumed (-want +got):\n%s", diff)
	}
}
