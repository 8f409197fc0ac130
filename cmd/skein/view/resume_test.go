package view_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// resumed is a rollout of two waves, one of whose tenants failed, and its second run.
func resumed() (first, second []rollout.Event) {
	waves := []rollout.WavePlanned{{Name: "canary", Tenants: 1}, {Name: "rest", Tenants: 2}}
	done := func(id, wave string) rollout.Fact {
		return rollout.TenantFinished{Tenant: id, Wave: wave, Outcome: plan.OutcomeDone, From: []string{"a1"}, To: []string{"b2"}, Steps: 1, Attempt: 1}
	}
	one := []rollout.Fact{
		rollout.Started{Run: 1, Fleet: "acme", Kind: plan.KindUpgrade, Target: "heads", Width: 8, Waves: waves},
		rollout.WaveStarted{Wave: "canary"}, done("t1", "canary"), rollout.WaveFinished{Wave: "canary"},
		rollout.WaveStarted{Wave: "rest"}, done("t2", "rest"),
		rollout.TenantFinished{Tenant: "t3", Wave: "rest", Outcome: plan.OutcomeFailed, Failure: &plan.Failure{Message: "no"}},
		rollout.WaveFinished{Wave: "rest"}, rollout.Ended{State: rollout.StateFinished},
	}
	two := []rollout.Fact{
		rollout.Started{Run: 2, Fleet: "acme", Kind: plan.KindUpgrade, Target: "heads", Width: 8, Waves: waves},
		rollout.WaveStarted{Wave: "canary"}, rollout.WaveFinished{Wave: "canary"},
		rollout.WaveStarted{Wave: "rest"}, done("t3", "rest"), rollout.WaveFinished{Wave: "rest"},
		rollout.Ended{State: rollout.StateFinished},
	}
	seq := int64(0)
	events := func(facts []rollout.Fact, from time.Time) (list []rollout.Event) {
		for i, fact := range facts {
			seq++
			list = append(list, rollout.Event{Rollout: "r1", Seq: seq, Time: from.Add(time.Duration(i) * 100 * time.Millisecond), Fact: fact})
		}
		return list
	}
	return events(one, start), events(two, start.Add(time.Hour))
}

func TestResumedRunShowsWhatIsLeft(t *testing.T) {
	t.Parallel()
	first, second := resumed()
	var out bytes.Buffer
	v := view.NewPlain(&out, view.Options{Earlier: first})
	r := &rollout.Report{}
	for _, e := range first {
		r.Apply(e)
	}
	for _, e := range second {
		v.Observe(e)
		r.Apply(e)
	}
	v.Close(r, view.ExitCode(r))
	text := out.String()
	for _, want := range []string{
		"rollout r1: upgrade 3 tenants in 2 waves, target heads, at most 8 at once, run 2: 1 left\n",
		"wave rest: 1 of 2 tenants left\n",
		"upgrade finished: 3 done of 3; run 2 took 600ms (1.7 tenants/s)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "wave canary:") {
		t.Errorf("a wave that was finished before is announced:\n%s", text)
	}
}

func TestNextNamesEveryCommandThatIsNeeded(t *testing.T) {
	t.Parallel()
	r := &rollout.Report{Rollout: "r1", Kind: plan.KindUpgrade, State: rollout.StateWaiting}
	for name, test := range map[string]struct {
		opts view.Options
		want string
	}{
		"no process waits": {view.Options{}, "\nnext:  skein rollout approve r1 && skein rollout resume r1\n"},
		"a process waits":  {view.Options{Attended: true}, "\nnext:  skein rollout approve r1\n"},
		"approved already": {view.Options{Next: "skein rollout resume r1"}, "\nnext:  skein rollout resume r1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			view.WriteReport(&out, r, test.opts)
			if !strings.HasSuffix(out.String(), test.want) {
				t.Errorf("got %q, want it to end in %q", out.String(), test.want)
			}
		})
	}
}
