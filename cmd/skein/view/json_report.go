package view

import (
	"github.com/skeindb/skein/orchestrator"
)

// ReportJSON is a report as the last line of a stream and `rollout show --json` have it.
func ReportJSON(r *orchestrator.Report, exit int, o Options) map[string]any {
	doc := map[string]any{
		"rollout": r.Rollout, "type": r.Kind, "target": r.Target, "state": r.State, "reason": r.Reason, "exit": exit,
		"counts": counts(r), "failed": failuresJSON(r.Failed(), o), "uncertain": failuresJSON(r.Uncertain(), o), "next": r.Next(),
	}
	if o.Next != "" {
		doc["next"] = o.Next
	}
	if o.Rehearsal != nil { // nothing of it is stored, so there is nothing to show or to resume
		doc["rollout"], doc["next"], doc["rehearsal"] = "", "", rehearsalJSON(o.Rehearsal)
	}
	return doc
}

func failuresJSON(tenants []orchestrator.TenantReport, o Options) []map[string]any {
	list := []map[string]any{}
	for _, t := range tenants {
		f := t.Failure
		list = append(list, map[string]any{
			"tenant": t.Tenant, "revision": f.Revision, "file": o.file(f.File), "line": f.Line, "statement": f.Statement,
			"class": f.Class, "sqlstate": f.SQLState, "error": f.Message, "hint": f.Hint,
		})
	}
	return list
}

// counts has every outcome that can be final, also those of which there is none.
func counts(r *orchestrator.Report) map[orchestrator.Outcome]int {
	all := r.Counts()
	for _, o := range order {
		if _, ok := all[o]; !ok {
			all[o] = 0
		}
	}
	return all
}
