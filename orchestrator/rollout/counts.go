package rollout

import (
	"slices"

	"github.com/skeindb/skein/orchestrator/plan"
)

// outcomeIndex is an Outcome in one byte, to index by.
type outcomeIndex uint8

const (
	rankPending outcomeIndex = iota
	rankRunning
	rankRetrying
	rankDeferred
	rankDone
	rankUnchanged
	rankFailed
	rankUncertain
	rankSkipped
	rankGone
	ranks
)

// outcomes are the outcomes in the order of a tenant's life.
var outcomes = [ranks]plan.Outcome{plan.OutcomePending, plan.OutcomeRunning, plan.OutcomeRetrying, plan.OutcomeDeferred, plan.OutcomeDone, plan.OutcomeUnchanged, plan.OutcomeFailed, plan.OutcomeUncertain, plan.OutcomeSkipped, plan.OutcomeGone}

func indexOfOutcome(o plan.Outcome) outcomeIndex {
	return outcomeIndex(max(0, slices.Index(outcomes[:], o)))
}

// counts are tenants by outcome. Those that were never named are not in it.
type counts [ranks]int

func (c *counts) named() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// transitions are from where to where finished tenants were migrated. There are few: one for each cohort, and those of
// tenants that stopped half way.
type transitions struct {
	list  []Transition
	place map[string]int32
	key   []byte // scratch
}

// Transition is how many tenants went from some heads to others, and their outcome.
type Transition struct {
	From, To []string // heads
	Outcome  plan.Outcome
	Tenants  int
}

func (w *transitions) join(from, to []string, outcome outcomeIndex) int32 {
	key := append(w.key[:0], byte(outcome))
	for _, id := range from {
		key = append(append(key, id...), ' ')
	}
	key = append(key, '>')
	for _, id := range to {
		key = append(append(key, id...), ' ')
	}
	w.key = key
	i, ok := w.place[string(key)]
	if !ok {
		if w.place == nil {
			w.place = map[string]int32{}
		}
		i = int32(len(w.list))
		w.place[string(key)] = i
		w.list = append(w.list, Transition{From: noNil(from), To: noNil(to), Outcome: outcomes[outcome]})
	}
	w.list[i].Tenants++
	return i
}

func (w *transitions) leave(i int32) {
	if i >= 0 {
		w.list[i].Tenants--
	}
}

// noNil makes a list that JSON writes as [].
func noNil(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}
