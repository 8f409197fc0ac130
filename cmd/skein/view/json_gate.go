package view

import (
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
)

// describeGate is the line of a gate: closed, then measured again and again, waiting for an approval, settled.
func describeGate(e rollout.Event) fields {
	switch t := e.Fact.(type) {
	case rollout.GateClosed:
		return fields{"wave": t.Wave, "state": "closed", "until": stamp(t.Until), "checks": list(t.Checks), "approval": t.Approval}
	case rollout.GateMeasured:
		return fields{
			"wave": t.Wave, "state": "measured", "check": t.Check, "verdict": t.Verdict, "evidence": t.Evidence,
			"tenants": list(t.Tenants), "took_ms": t.Took.Milliseconds(),
		}
	case rollout.ApprovalAwaited:
		return fields{"wave": t.Wave, "state": "waiting", "next": "skein rollout approve " + e.Rollout}
	case rollout.GateSettled:
		return fields{"wave": t.Wave, "state": "settled", "verdict": t.Verdict, "reason": t.Reason}
	}
	return fields{}
}

// CommandJSON is a command of an operator as the stream and `rollout audit --json` have it. refused is "" if it was
// acknowledged, and nil while that is not known.
func CommandJSON(c rollout.Command, refused *string) map[string]any {
	f := fields{
		"command": c.Seq, "action": c.Action, "wave": c.Wave, "tenants": list(c.Tenants), "reason": c.Reason,
		"user": c.User, "host": c.Host, "at": c.At.UTC().Format(time.RFC3339Nano),
	}
	if refused != nil {
		f["refused"] = *refused
	}
	return f
}
