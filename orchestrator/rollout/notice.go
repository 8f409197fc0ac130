package rollout

import (
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// Notice is a WARNING or NOTICE that came while a tenant's statements ran: see [engine.Notice].
type Notice struct {
	Severity string `json:"severity"` // WARNING or NOTICE
	SQLState string `json:"sqlstate"`
	Message  string `json:"message"`
	Redacted string `json:"redacted,omitempty"` // Message without values of rows
	Cause    string `json:"cause"`              // equal for notices of one reason: see [Cause]
	Revision string `json:"revision,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
}

// NoticesOf returns a tenant's notices in the form that is stored.
func NoticesOf(all []engine.Notice, of *tenant.Tenant) []Notice {
	var notices []Notice
	for i := range all {
		n := &all[i]
		stored := Notice{Severity: n.Severity, SQLState: n.SQLState, Message: n.Message, Revision: n.Revision, File: n.File, Line: n.Line}
		e := &engine.Error{
			Class: engine.Class(n.Severity), SQLState: n.SQLState, Revision: n.Revision, File: n.File, Line: n.Line, Number: n.Number,
			Message: n.Message, Fields: n.Fields,
		}
		stored.Cause = plan.CauseOf(e, of)
		if n.Fields != nil {
			fields := *n.Fields
			fields.Severity = "" // the notice has it
			stored.Redacted = fields.Describe(n.SQLState)
		}
		notices = append(notices, stored)
	}
	return notices
}

func hideNotices(all []Notice) []Notice {
	all = slices.Clone(all)
	for i := range all {
		all[i].Message, all[i].Redacted = RedactedOr(all[i].Redacted, all[i].Message), ""
	}
	return all
}

// NoticeReport is notices that are the same but for the tenant.
type NoticeReport struct {
	Example Notice   // of the first tenant in Tenants
	Count   int      // tenants
	Tenants []string // up to five of them, in the order in which they finished
}

const (
	noticeKinds    = 200  // in a report; what comes after them is counted
	noticedFailing = 1000 // failed tenants of which a report has the notices
)

// noticed is the fold of notices. Its size does not depend on how many tenants there are.
type noticed struct {
	kinds   []NoticeReport
	place   map[string]int     // by cause
	more    int                // notices of other kinds
	failing map[int32][]Notice // of tenants that failed
}

// Notices groups notices by cause and place, the most frequent first; more is how many notices of further
// kinds there were. Of each tenant the last 20 count.
func (r *Report) Notices() (kinds []NoticeReport, more int) {
	kinds = slices.Clone(r.noticed.kinds)
	slices.SortStableFunc(kinds, func(a, b NoticeReport) int {
		if a, b := a.Example.Severity, b.Example.Severity; a != b && (a == "WARNING" || b == "WARNING") {
			if a == "WARNING" {
				return -1
			}
			return 1
		}
		return b.Count - a.Count
	})
	return kinds, r.noticed.more
}

// NoticesOf returns the notices that came before a tenant failed; nil when it did not, or was not among the first
// thousand that failed.
func (r *Report) NoticesOf(tenant string) []Notice {
	i, ok := r.tenants[tenant]
	if !ok {
		return nil
	}
	return r.noticed.failing[i]
}

// notices folds those of a tenant that finished. One that failed before is counted once.
func (r *Report) notices(i int32, all []Notice, failed bool) {
	n := &r.noticed
	counted := map[string]bool{}
	for _, before := range n.failing[i] {
		counted[before.Cause] = true
	}
	for _, notice := range all {
		if counted[notice.Cause] {
			continue
		}
		counted[notice.Cause] = true
		n.count(r.records[i].id, notice)
	}
	delete(n.failing, i)
	if failed && len(all) > 0 && len(n.failing) < noticedFailing {
		if n.failing == nil {
			n.failing = map[int32][]Notice{}
		}
		n.failing[i] = all
	}
}

func (n *noticed) count(tenant string, notice Notice) {
	at, ok := n.place[notice.Cause]
	if !ok {
		if len(n.kinds) == noticeKinds {
			n.more++
			return
		}
		if n.place == nil {
			n.place = map[string]int{}
		}
		at = len(n.kinds)
		n.place[notice.Cause] = at
		n.kinds = append(n.kinds, NoticeReport{Example: notice})
	}
	k := &n.kinds[at]
	k.Count++
	if len(k.Tenants) < examples {
		k.Tenants = append(k.Tenants, tenant)
	}
}
