package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// standingGroup is tenants that stand at the same revisions, before it is decided what is done with them.
type standingGroup struct {
	standing engine.Standing // of the first of them
	mark     int             // what the caller keeps apart: see groupByStanding
	count    int
	example  string
	key      string
}

// groupByStanding groups members by where they stand, the largest group first and those that could not be read
// last. of[i] is the group of members[i]. Members with different marks are never in one group; nil = all
// are alike.
func groupByStanding(members []Member, marks []int) (groups []standingGroup, of []int) {
	// Equal tables share one *Applied, so that almost every tenant is found without building its key.
	type shared struct {
		applied *engine.Applied
		state   engine.State
		changed int
		cut     string // sections that were cut off
		mark    int
	}
	seen := map[shared]int{}
	named := map[string]int{}
	of = make([]int, len(members))
	for i := range members {
		s := &members[i].Standing
		mark := 0
		if marks != nil {
			mark = marks[i]
		}
		quick := shared{s.Applied, s.State, len(s.Changed), cutKey(s), mark}
		at, ok := seen[quick]
		if !ok || s.Err != nil {
			key := groupKey(s, mark, &members[i].Tenant)
			if at, ok = named[key]; !ok {
				at = len(groups)
				named[key] = at
				groups = append(groups, standingGroup{standing: *s, mark: mark, example: members[i].Tenant.ID, key: key})
			}
			seen[quick] = at
		}
		groups[at].count++
		of[i] = at
	}
	return sortGroups(groups, of)
}

func groupKey(s *engine.Standing, mark int, of *tenant.Tenant) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\x00%s\x00%s\x00%s\x00%d", s.State, appliedKey(s.Applied), strings.Join(s.Changed, " "), cutKey(s), mark)
	if s.Err != nil {
		b.WriteString("\x00" + FailureOf(s.Err, of).Cause)
	}
	return b.String()
}

// cutKey differs for sections that were cut off; "" for most tenants.
func cutKey(s *engine.Standing) string {
	if len(s.CutOff) == 0 {
		return ""
	}
	return fmt.Sprint(s.CutOff)
}

// appliedKey differs for applied sets that differ, in the rollouts of their rows too where the survey read them.
func appliedKey(a *engine.Applied) string {
	if a == nil {
		return ""
	}
	var b strings.Builder
	for _, r := range a.Rows {
		b.WriteString(r.Revision + " " + r.Rollout + "\x00")
	}
	return b.String()
}

func sortGroups(groups []standingGroup, of []int) ([]standingGroup, []int) {
	order := make([]int, len(groups))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &groups[a], &groups[b]
		return cmp.Or(
			compareBool(x.standing.Err != nil, y.standing.Err != nil),
			cmp.Compare(y.count, x.count),
			cmp.Compare(x.key, y.key),
		)
	})
	sorted := make([]standingGroup, len(groups))
	place := make([]int, len(groups))
	for to, from := range order {
		sorted[to] = groups[from]
		place[from] = to
	}
	for i := range of {
		of[i] = place[of[i]]
	}
	return sorted, of
}

// cohort is the group as a cohort that stays where it is.
func (gr *standingGroup) cohort() Cohort {
	s := &gr.standing
	return Cohort{
		Action: ActionNone, State: s.State, Stands: standingHash(s), From: orEmpty(s.Heads), To: orEmpty(s.Heads),
		Steps: []string{}, Sums: []string{}, Count: gr.count,
	}
}

// standingHash is a short hash of what a survey read of a tenant: what is applied, and what of it changed since. It only
// shows that a tenant stands elsewhere than when it was planned.
func standingHash(s *engine.Standing) string {
	text := strings.Join(s.Applied.IDs(), " ") + "\x00" + strings.Join(s.Changed, " ") + cutKey(s)
	if unreadable(s) {
		text = "not read: " + string(s.State)
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// refuse lets the tenants fail without being touched.
func (c *Cohort) refuse(why *Failure) { c.Action, c.Failure = ActionRefuse, why }

// skip leaves the tenants alone.
func (c *Cohort) skip(reason string) { c.Action, c.Reason, c.Failure = ActionSkip, reason, nil }

// Refuse returns a cohort without tenants yet, for those of c that are refused.
func (c *Cohort) Refuse(why *Failure) Cohort {
	return Cohort{
		Action: ActionRefuse, State: c.State, Stands: c.Stands, From: c.From, To: c.From, Steps: []string{}, Sums: []string{},
		Failure: why, Target: c.Target,
	}
}

// RefusedFor returns why this tenant of the cohort is refused: the error of its own survey, if it had one.
func (c *Cohort) RefusedFor(item *Item) *Failure {
	if item.Standing.Err == nil {
		return c.Failure
	}
	return UnreadableFailure(&item.Standing, &item.Tenant)
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// EnginePlan returns what the tenants of the cohort run, shared by all of them; nil unless the Action is [ActionMigrate] and
// the plan a [Runnable].
func (c *Cohort) EnginePlan() *engine.Plan { return c.plan }

// Reached returns from where to where an earlier run migrated the tenants, if one brought them to the target.
func (c *Cohort) Reached() (from, to []string, ok bool) {
	if c.was == nil {
		return nil, nil, false
	}
	return c.was.from, c.was.to, true
}
