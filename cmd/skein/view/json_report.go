package view

import (
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// ReportJSON is a report as the last line of a stream and `rollout show --json` have it.
func ReportJSON(r *rollout.Report, exit int, o Options) map[string]any {
	doc := map[string]any{
		"rollout": r.Rollout, "type": r.Kind, "target": r.Target, "state": r.State, "reason": r.Reason, "exit": exit,
		"counts": counts(r), "failed": failuresJSON(r, r.Failed(), o), "uncertain": failuresJSON(r, r.Uncertain(), o),
		"notices": noticeKindsJSON(r, o), "next": Command(r.Next()),
	}
	if running := runningJSON(r); len(running) > 0 {
		doc["running"] = running
	}
	if o.Next != "" {
		doc["next"] = o.Next
	}
	if o.Rehearsal != nil { // nothing of it is stored, so there is nothing to show or to resume
		doc["rollout"], doc["next"], doc["rehearsal"] = "", "", rehearsalJSON(o.Rehearsal)
		doc["counts"] = rehearsalCounts(counts(r), o.Rehearsal)
	}
	return doc
}

func failuresJSON(r *rollout.Report, tenants []rollout.TenantReport, o Options) []map[string]any {
	list := []map[string]any{}
	for _, t := range tenants {
		f := t.Failure
		entry := map[string]any{
			"tenant": t.Tenant, "revision": f.Revision, "file": o.file(f.File), "line": f.Line, "statement": f.Statement,
			"class": f.Class, "sqlstate": f.SQLState, "error": f.Message, "hint": Commands(f.Hint), "cause": f.Cause,
			"notices": noticesJSON(r.NoticesOf(t.Tenant), o),
		}
		if f.Context != "" {
			entry["context"] = f.Context
		}
		list = append(list, entry)
	}
	return list
}

// counts has every outcome that can be final, also those of which there is none.
func counts(r *rollout.Report) map[plan.Outcome]int {
	all := r.Counts()
	for _, o := range order {
		if _, ok := all[o]; !ok {
			all[o] = 0
		}
	}
	return all
}
