package run

import (
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// limits are what the revisions of each cohort ask of the scheduler.
type limits struct {
	chains []chain // by cohort
	atOnce []atOnce
}

// chain is the way of one cohort, as far as limits are concerned.
type chain struct {
	alone bool  // a revision of it wants its server for itself
	caps  []int // indices into limits.atOnce
}

// atOnce is a revision with `concurrency=`: how many tenants of the fleet may be in a chain with it.
type atOnce struct {
	most    int
	running int
}

func newLimits(cohorts []plan.Cohort) *limits {
	l := &limits{chains: make([]chain, len(cohorts))}
	place := map[string]int{}
	for i := range cohorts {
		if cohorts[i].EnginePlan() != nil {
			l.chain(&l.chains[i], cohorts[i].EnginePlan(), place)
		}
	}
	return l
}

func (l *limits) chain(c *chain, plan *engine.Plan, place map[string]int) {
	for _, part := range plan.Parts {
		for _, step := range part.Steps {
			if step.Stamp {
				continue
			}
			o := step.Revision.Section(step.Direction).Options
			c.alone = c.alone || o.Alone
			if o.Concurrency <= 0 {
				continue
			}
			at, ok := place[step.Revision.ID]
			if !ok {
				at = len(l.atOnce)
				place[step.Revision.ID] = at
				l.atOnce = append(l.atOnce, atOnce{most: o.Concurrency})
			}
			c.caps = append(c.caps, at)
		}
	}
}

// free reports whether one more tenant of the cohort may run as far as its revisions are concerned.
func (l *limits) free(cohort int) bool {
	for _, i := range l.chains[cohort].caps {
		if l.atOnce[i].running >= l.atOnce[i].most {
			return false
		}
	}
	return true
}

func (l *limits) take(cohort int) {
	for _, i := range l.chains[cohort].caps {
		l.atOnce[i].running++
	}
}

func (l *limits) release(cohort int) {
	for _, i := range l.chains[cohort].caps {
		l.atOnce[i].running--
	}
}
