package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Run checks a store. open makes an empty store for one test and returns how to get a handle of it; handles are
// like those of different processes, save that a store which lives in the process may return the same one.
func Run(t *testing.T, open func(t *testing.T) func() rollout.FullStore) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, func() rollout.FullStore){
		"LoadReturnsWhatWasStored":         loadReturnsWhatWasStored,
		"RolloutsHaveTheirOwnIDs":          rolloutsHaveTheirOwnIDs,
		"UnknownRollouts":                  unknownRollouts,
		"NumbersGoOn":                      numbersGoOn,
		"AppendMayBeRepeated":              appendMayBeRepeated,
		"AnotherFactUnderANumberConflicts": anotherFactConflicts,
		"OtherHandlesGoOn":                 otherHandlesGoOn,
		"ListIsTheFold":                    listIsTheFold,
		"ListLatestFirst":                  listLatestFirst,
		"ManyAreNumberedAtOnce":            manyAreNumberedAtOnce,
		"LockIsExclusive":                  lockIsExclusive,
		"HolderIsSeenWithoutTheLock":       holderIsSeenWithoutTheLock,
		"EventsAfterANumber":               eventsAfterANumber,
		"CommandsAreNumbered":              commandsAreNumbered,
		"CommandsOfUnknownRollouts":        commandsOfUnknownRollouts,
		"CommandsComeBackAsGiven":          commandsComeBackAsGiven,
		"CommandMayBeRepeated":             commandMayBeRepeated,
		"CommandsOfManyHandles":            commandsOfManyHandles,
		"CommandsWhileFactsAreWritten":     commandsWhileFactsAreWritten,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func loadReturnsWhatWasStored(t *testing.T, open func() rollout.FullStore) {
	s := open()
	p := Plan("r1", "acme", 5)
	must(t, s.Create(t.Context(), p))
	if _, none, err := s.Load(t.Context(), "r1"); err != nil || none == nil || len(none) != 0 {
		t.Errorf("before the first fact: %v %v, want an empty list", none, err)
	}
	events := Events("r1", 1, Facts()...)
	must(t, s.Append(t.Context(), events[:4]))
	must(t, s.Append(t.Context(), events[4:]))
	gotPlan, gotEvents, err := open().Load(t.Context(), "r1")
	must(t, err)
	if diff := cmp.Diff(p, gotPlan, cmp.AllowUnexported(plan.Cohort{})); diff != "" {
		t.Errorf("the plan (-stored +loaded):\n%s", diff)
	}
	if diff := cmp.Diff(events, gotEvents, cmp.AllowUnexported(plan.Cohort{})); diff != "" {
		t.Errorf("the facts (-stored +loaded):\n%s", diff)
	}
}

func rolloutsHaveTheirOwnIDs(t *testing.T, open func() rollout.FullStore) {
	s := open()
	must(t, s.Create(t.Context(), Plan("r1", "acme", 2)))
	if err := s.Create(t.Context(), Plan("r1", "acme", 3)); err == nil {
		t.Error("a second rollout r1 was stored")
	}
	plan, _, err := s.Load(t.Context(), "r1")
	must(t, err)
	if plan.Len() != 2 {
		t.Errorf("the first plan has %d tenants now, want 2", plan.Len())
	}
}

func unknownRollouts(t *testing.T, open func() rollout.FullStore) {
	s := open()
	if _, _, err := s.Load(t.Context(), "none"); !errors.Is(err, rollout.ErrNoRollout) {
		t.Errorf("Load: %v, want ErrNoRollout", err)
	}
	if err := s.Append(t.Context(), Events("none", 1, Facts()[0])); !errors.Is(err, rollout.ErrNoRollout) {
		t.Errorf("Append: %v, want ErrNoRollout", err)
	}
	must(t, s.Append(t.Context(), nil))
	list, err := s.List(t.Context(), "acme", 0)
	if err != nil || list == nil || len(list) != 0 {
		t.Errorf("List: %v %v, want an empty list", list, err)
	}
}

func numbersGoOn(t *testing.T, open func() rollout.FullStore) {
	s := open()
	must(t, s.Create(t.Context(), Plan("r1", "acme", 5)))
	facts := Facts()
	for name, events := range map[string][]rollout.Event{
		"does not begin at 1": Events("r1", 2, facts[1]),
		"is a tick":           Events("r1", 0, facts[0]),
		"has a gap":           append(Events("r1", 1, facts[0]), Events("r1", 3, facts[2])...),
		"is of two rollouts":  append(Events("r1", 1, facts[0]), Events("r2", 2, facts[1])...),
	} {
		if err := s.Append(t.Context(), events); err == nil {
			t.Errorf("what %s was stored", name)
		}
	}
	_, events, err := s.Load(t.Context(), "r1")
	must(t, err)
	if len(events) != 0 {
		t.Errorf("%d facts of refused calls were stored", len(events))
	}
	must(t, s.Append(t.Context(), Events("r1", 1, facts[1]))) // whatever its first fact is
	must(t, s.Append(t.Context(), Events("r1", 2, facts[2])))
}

func appendMayBeRepeated(t *testing.T, open func() rollout.FullStore) {
	s := open()
	must(t, s.Create(t.Context(), Plan("r1", "acme", 5)))
	events := Events("r1", 1, Facts()...)
	must(t, s.Append(t.Context(), events[:3]))
	must(t, s.Append(t.Context(), events[:3]))
	must(t, open().Append(t.Context(), events[:6])) // half of them are there
	must(t, s.Append(t.Context(), events))
	_, got, err := s.Load(t.Context(), "r1")
	must(t, err)
	if diff := cmp.Diff(events, got, cmp.AllowUnexported(plan.Cohort{})); diff != "" {
		t.Errorf("the facts (-stored +loaded):\n%s", diff)
	}
}

func anotherFactConflicts(t *testing.T, open func() rollout.FullStore) {
	mine, theirs := open(), open()
	must(t, mine.Create(t.Context(), Plan("r1", "acme", 5)))
	facts := Facts()
	must(t, mine.Append(t.Context(), Events("r1", 1, facts[0], facts[1])))
	must(t, theirs.Append(t.Context(), Events("r1", 3, facts[2])))
	err := mine.Append(t.Context(), Events("r1", 3, facts[3], facts[4]))
	if e, ok := errors.AsType[*rollout.ConflictError](err); !ok || e.Seq != 3 {
		t.Errorf("%v, want a conflict at 3", err)
	}
	_, got, err := mine.Load(t.Context(), "r1")
	must(t, err)
	if len(got) != 3 {
		t.Errorf("%d facts, want the 3 that were there", len(got))
	}
}

func otherHandlesGoOn(t *testing.T, open func() rollout.FullStore) {
	first, second := open(), open()
	must(t, first.Create(t.Context(), Plan("r1", "acme", 5)))
	events := Events("r1", 1, Facts()...)
	for i, e := range events { // in turn, so that each has to learn what the other did
		s := first
		if i%2 == 1 {
			s = second
		}
		must(t, s.Append(t.Context(), []rollout.Event{e}))
	}
	checkList(t, first, "acme", events, 0)
}

func listIsTheFold(t *testing.T, open func() rollout.FullStore) {
	s := open()
	planned := Plan("r1", "acme", 5)
	planned.FleetSize = 12
	must(t, s.Create(t.Context(), planned))
	list, err := s.List(t.Context(), "acme", 0)
	must(t, err)
	want := []rollout.Summary{{
		ID: "r1", Number: 1, FleetSize: 12, Kind: plan.KindUpgrade, State: rollout.StateRunning, Target: "heads", Started: Epoch,
		Counts: map[plan.Outcome]int{plan.OutcomePending: 5},
	}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("before the first fact (-want +got):\n%s", diff)
	}
	events := Events("r1", 1, Facts()...)
	for i := range events {
		must(t, s.Append(t.Context(), events[i:i+1]))
		checkList(t, s, "acme", events[:i+1], 12)
	}
}

// checkList compares the only rollout of a fleet with the fold of its facts.
func checkList(t *testing.T, s rollout.FullStore, fleet string, events []rollout.Event, size int) {
	t.Helper()
	report := &rollout.Report{}
	for _, e := range events {
		report.Apply(e)
	}
	want := report.Summary()
	want.Started, want.FleetSize, want.Number = Epoch, size, 1
	list, err := s.List(t.Context(), fleet, 0)
	must(t, err)
	if diff := cmp.Diff([]rollout.Summary{want}, list); diff != "" {
		t.Errorf("after %d facts (-want +got):\n%s", len(events), diff)
	}
}

func listLatestFirst(t *testing.T, open func() rollout.FullStore) {
	s := open()
	for i, id := range []string{"r2", "r1", "r3"} {
		p := Plan(id, "acme", 1)
		p.Created = Epoch.Add(-time.Duration(i) * time.Hour) // by a clock that goes back
		must(t, s.Create(t.Context(), p))
	}
	must(t, s.Create(t.Context(), Plan("r4", "other", 1)))
	for limit, want := range map[int][]string{0: {"r3", "r1", "r2"}, 2: {"r3", "r1"}, 9: {"r3", "r1", "r2"}} {
		list, err := s.List(t.Context(), "acme", limit)
		must(t, err)
		var got []string
		for i, line := range list {
			got = append(got, line.ID)
			if line.Number != int64(3-i) {
				t.Errorf("%s has number %d, want %d", line.ID, line.Number, 3-i)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
}

func manyAreNumberedAtOnce(t *testing.T, open func() rollout.FullStore) {
	const n = 6
	errs := make(chan error)
	for i := range n {
		s := open()
		go func() { errs <- s.Create(t.Context(), Plan(fmt.Sprint("r", i), "acme", 1)) }()
	}
	for range n {
		must(t, <-errs)
	}
	list, err := open().List(t.Context(), "acme", 0)
	must(t, err)
	if len(list) != n {
		t.Fatalf("%d rollouts, want %d", len(list), n)
	}
	for i, line := range list {
		if line.Number != int64(n-i) {
			t.Errorf("place %d has number %d", i, line.Number)
		}
	}
}

func lockIsExclusive(t *testing.T, open func() rollout.FullStore) {
	mine, theirs := open(), open()
	me := rollout.Holder{Rollout: "r1", Host: "h", PID: 7, User: "u", Since: Epoch}
	lease, err := mine.Lock(t.Context(), "acme/ü", me)
	must(t, err)
	_, err = theirs.Lock(t.Context(), "acme/ü", rollout.Holder{Host: "other"})
	if held, ok := errors.AsType[*rollout.LockedError](err); !ok {
		t.Errorf("a second lock: %v, want a HeldError", err)
	} else if diff := cmp.Diff(me, held.Holder); diff != "" {
		t.Errorf("the holder (-want +got):\n%s", diff)
	}
	other, err := theirs.Lock(t.Context(), "other", me)
	must(t, err)
	select {
	case <-lease.Lost():
		t.Error("the lock is lost")
	default:
	}
	must(t, lease.Release(t.Context()))
	must(t, lease.Release(t.Context()))
	again, err := theirs.Lock(t.Context(), "acme/ü", me)
	must(t, err)
	must(t, again.Release(t.Context()))
	must(t, other.Release(t.Context()))
}

// holderIsSeenWithoutTheLock looks again and again while another handle takes the lock and gives it back: no look is in the way.
func holderIsSeenWithoutTheLock(t *testing.T, open func() rollout.FullStore) {
	mine, theirs := open(), open()
	seen := func(s rollout.FullStore) (rollout.Holder, bool) {
		t.Helper()
		holder, locked, err := s.Holder(t.Context(), "acme/ü")
		must(t, err)
		return holder, locked
	}
	if holder, locked := seen(theirs); locked || holder != (rollout.Holder{}) {
		t.Errorf("before: %v, %v; want no holder", holder, locked)
	}
	me := rollout.Holder{Rollout: "r1", Host: "h", PID: 7, User: "u", Since: Epoch}
	for range 3 {
		lease, err := mine.Lock(t.Context(), "acme/ü", me)
		must(t, err)
		for _, s := range []rollout.FullStore{mine, theirs} {
			holder, locked := seen(s)
			if diff := cmp.Diff(me, holder); !locked || diff != "" {
				t.Errorf("locked %v, the holder (-want +got):\n%s", locked, diff)
			}
		}
		if _, locked, err := theirs.Holder(t.Context(), "other"); locked || err != nil {
			t.Errorf("another fleet: %v, %v; want no holder", locked, err)
		}
		must(t, lease.Release(t.Context()))
		if holder, locked := seen(theirs); locked {
			t.Errorf("after: %v; want no holder", holder)
		}
	}
}

func eventsAfterANumber(t *testing.T, open func() rollout.FullStore) {
	s := open()
	if _, err := s.Events(t.Context(), "none", 0); !errors.Is(err, rollout.ErrNoRollout) {
		t.Errorf("of no rollout: %v, want ErrNoRollout", err)
	}
	must(t, s.Create(t.Context(), Plan("r1", "acme", 5)))
	if none, err := s.Events(t.Context(), "r1", 0); err != nil || none == nil || len(none) != 0 {
		t.Errorf("before the first fact: %v %v, want an empty list", none, err)
	}
	events := Events("r1", 1, Facts()...)
	must(t, s.Append(t.Context(), events))
	for after := range int64(len(events)) + 2 {
		got, err := open().Events(t.Context(), "r1", after)
		must(t, err)
		want := events[min(after, int64(len(events))):]
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(plan.Cohort{})); diff != "" {
			t.Errorf("after %d (-want +got):\n%s", after, diff)
		}
	}
}
