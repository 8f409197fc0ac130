package run

import (
	"fmt"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// streak counts failures by cause since the last success: of the fleet, or of one server. The zero value is ready
// to use.
type streak map[string]int

// failed notes a failure and returns how many had its cause since the last success.
func (s *streak) failed(cause string) int {
	if *s == nil {
		*s = streak{}
	}
	(*s)[cause]++
	return (*s)[cause]
}

// succeeded notes a success.
func (s *streak) succeeded() { clear(*s) }

// countSystemic looks, after a tenant that was touched has failed, whether it is the same with all of them. So many in a
// row with one cause, without a success in between, are no matter of single tenants: what is wrong is the revision,
// or something that all share, and the others would fail as well. The rollout halts, whatever the budget allows. If
// it is so on one server only, while others succeed, that server is left alone until an operator has seen to it. In a
// fleet with one server the rollout halts.
func (r *runner) countSystemic(t int32, s *server, f plan.Failure) {
	if !r.Policy.Breaks() {
		return
	}
	cause, common := f.Key(r.wave.items[t].Tenant.ID), f.Common(r.wave.items[t].Tenant.ID)
	everywhere, here := r.streak.failed(cause), s.sameCause.failed(cause)
	if f.Redacted == "" {
		f.Message = common
	}
	f.Reword(func(m string) string {
		return fmt.Sprintf("%s in a row failed with the same error: %s", text.Count(r.Policy.Systemic, "tenant"), m)
	})
	switch {
	case everywhere >= r.Policy.Systemic:
		r.stopQuoting(rollout.StateHalted, "systemic: "+f.Message, "systemic: "+f.WithoutValues())
	case here >= r.Policy.Systemic && (s.health == well || s.health == probing):
		r.block(s, f)
	}
}

// succeeded notes for the breakers that a tenant arrived.
func (r *runner) succeeded(s *server) {
	r.streak.succeeded()
	s.sameCause.succeeded()
}
