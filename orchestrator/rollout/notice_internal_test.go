package rollout

import (
	"fmt"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// A report of many tenants, each with many notices of kinds of its own, stays small, and counts no tenant twice.
func TestNoticesAreBounded(t *testing.T) {
	t.Parallel()
	r := &Report{}
	finish := func(id string, notices []Notice) {
		r.Apply(Event{Seq: r.Seq + 1, Fact: TenantFinished{Tenant: id, Wave: "all", Outcome: plan.OutcomeFailed, Failure: &plan.Failure{Class: engine.Data, Message: "no"}, Notices: notices}})
	}
	const tenants = noticedFailing + 500
	for i := range tenants {
		notices := []Notice{{Severity: "NOTICE", Message: "the same", Cause: "same"}, {Severity: "NOTICE", Message: "the same once more", Cause: "same"}}
		for k := range 3 {
			notices = append(notices, Notice{Severity: "WARNING", Cause: fmt.Sprint(i, "-", k)})
		}
		finish(fmt.Sprint("t", i), notices)
	}
	finish("t0", []Notice{{Severity: "NOTICE", Message: "the same", Cause: "same"}}) // in a later run
	kinds, more := r.Notices()
	if len(kinds) != noticeKinds || more != 3*tenants+1-noticeKinds || len(r.noticed.failing) != noticedFailing {
		t.Errorf("%d kinds, %d more, %d tenants", len(kinds), more, len(r.noticed.failing))
	}
	if kinds[0].Example.Severity != "WARNING" {
		t.Errorf("the first is %+v", kinds[0])
	}
	same := kinds[len(kinds)-1]
	if same.Count != tenants || len(same.Tenants) != examples || same.Example.Message != "the same" {
		t.Errorf("%+v", same)
	}
	if len(r.NoticesOf("t1")) != 5 || len(r.NoticesOf("t0")) != 1 || r.NoticesOf("nowhere") != nil {
		t.Errorf("%d, %d", len(r.NoticesOf("t1")), len(r.NoticesOf("t0")))
	}
}

// Notices are alike by their place and fields.
func TestNoticesOfOneKind(t *testing.T) {
	t.Parallel()
	of := func(message, severity string, line int) string {
		n := engine.Notice{Severity: severity, SQLState: "01000", Message: message, Revision: "r1", Number: 1, Line: 7, Fields: &engine.Fields{Severity: severity, Calls: []string{fmt.Sprint("f line ", line)}}}
		return NoticesOf([]engine.Notice{n}, &tenant.Tenant{ID: "acme"})[0].Cause
	}
	if of("3 rows", "WARNING", 1) != of("4 rows of acme", "WARNING", 1) || of("3 rows", "WARNING", 1) == of("3 rows", "NOTICE", 1) || of("3 rows", "WARNING", 1) == of("3 rows", "WARNING", 2) {
		t.Error("kinds are mixed up")
	}
}
