package rollout

import (
	"strings"
	"testing"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// admitted is a rollout of one wave with a gate, whose tenants a, b and c are done, being migrated and pending.
func admitted(end State) (*Report, *plan.Plan) {
	p := &plan.Plan{Rollout: "r1", Waves: []plan.Wave{{Name: "all", Planned: 3}}}
	for _, id := range []string{"a", "b", "c"} {
		p.Waves[0].Items = append(p.Waves[0].Items, plan.Item{Tenant: tenant.Tenant{ID: id}})
	}
	facts := []Fact{
		Opening(p, 1, Holder{}), WaveStarted{Wave: "all"}, TenantsDispatched{Tenants: []string{"a", "b", "c"}},
		TenantFinished{Tenant: "a", Wave: "all", Outcome: plan.OutcomeDone}, TenantsRunning{Tenants: []string{"b"}},
		GateClosed{Wave: "all", Approval: true},
	}
	if end != "" {
		facts = append(facts, Ended{State: end})
	}
	r := &Report{}
	for i, f := range facts {
		r.Apply(Event{Rollout: "r1", Seq: int64(i + 1), Time: Now(), Fact: f})
	}
	return r, p
}

func TestAdmitByActionAndState(t *testing.T) {
	t.Parallel()
	running, ending := &Live{}, &Live{Ending: StateHalted, Reason: "disk full"}
	for _, test := range []struct {
		command string // and its tenants
		end     State  // of the last run; "" = it has not ended
		live    *Live
		refused string // part of it; "" = it is carried out
	}{
		{"pause", "", running, ""},
		{"pause", "", ending, "ending already: disk full"},
		{"pause", "", &Live{Early: true}, "before this run began"},
		{"pause", StateHalted, nil, "no process"},
		{"pause", StateFinished, nil, "no process"},
		{"abort", "", running, ""},
		{"abort", "", ending, ""},
		{"abort", "", &Live{Ending: StateAborted, Reason: "eve asked"}, "ending already: eve asked"},
		{"abort", StateHalted, nil, ""},
		{"abort", StateFinished, nil, "finished already"},
		{"abort", StateAborted, nil, "aborted already"},
		{"approve", "", running, ""},
		{"approve", StateHalted, nil, ""},
		{"approve", StateAborted, nil, "was aborted"},
		{"skip", "", running, "names no tenant"},
		{"skip a", "", running, "a is done"},
		{"skip b", "", running, "b is being migrated"},
		{"skip c", "", running, ""},
		{"skip c a", "", running, "a is done"},
		{"skip x", "", running, "x is not part of this run"},
		{"skip a b c", "", &Live{Wave: -1}, ""}, // their wave is still to come
		{"skip a", StateHalted, nil, "a is done"},
		{"skip b", StateHalted, nil, ""}, // the run that began it is over
		{"skip x", StateHalted, nil, "x is not part of the rollout"},
		{"skip c", StateAborted, nil, "was aborted"},
		{"resume", StateHalted, nil, ""},
		{"retry", StateAborted, nil, ""},
		{"rollback", StateFinished, nil, ""},
		{"dance", "", running, `unknown action "dance"`},
	} {
		r, p := admitted(test.end)
		words := strings.Fields(test.command)
		c := &Command{Action: Action(words[0]), Tenants: words[1:], Wave: "all"}
		got := Admit(r, p, c, test.live)
		if (got == "") != (test.refused == "") || !strings.Contains(got, test.refused) {
			t.Errorf("%s of a rollout that is %q: %q, want %q", test.command, r.State, got, test.refused)
		}
	}
}
