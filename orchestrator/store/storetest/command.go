package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Command returns what an operator asks of a rollout, at a time that says which of several it is.
func Command(id string, n int) rollout.Command {
	return rollout.Command{
		Rollout: id, Action: rollout.ActionPause, Reason: fmt.Sprintf("no. %d", n), User: "u", Host: "h",
		At: Epoch.Add(time.Duration(n) * time.Second),
	}
}

func commandsAreNumbered(t *testing.T, open func() rollout.FullStore) {
	s := open()
	must(t, s.Create(t.Context(), Plan("r1", "acme", 5)))
	must(t, s.Create(t.Context(), Plan("r2", "acme", 5)))
	checkCommands(t, s, "r1", 0)
	var said []rollout.Command
	for i := range 3 {
		c := Command("r1", 3-i) // numbers tell the order, and not times
		c.Seq = 99              // not the caller's business
		got, err := s.Send(t.Context(), c)
		must(t, err)
		c.Seq = int64(i) + 1
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("the answer (-want +got):\n%s", diff)
		}
		said = append(said, c)
	}
	other, err := s.Send(t.Context(), Command("r2", 1))
	must(t, err)
	if other.Seq != 1 {
		t.Errorf("the first command of another rollout has number %d", other.Seq)
	}
	another := open()
	checkCommands(t, another, "r1", -7, said...)
	checkCommands(t, another, "r1", 0, said...)
	checkCommands(t, another, "r1", 1, said[1:]...)
	checkCommands(t, another, "r1", 3)
	checkCommands(t, another, "r1", 99)
	checkCommands(t, another, "r2", 0, other)

	_, events, err := s.Load(t.Context(), "r1")
	must(t, err)
	if len(events) != 0 {
		t.Errorf("the commands made %d facts", len(events))
	}
}

func checkCommands(t *testing.T, s rollout.FullStore, id string, after int64, want ...rollout.Command) {
	t.Helper()
	got, err := s.Since(t.Context(), id, after)
	must(t, err)
	if got == nil {
		t.Errorf("after %d: nil, want a list", after)
	}
	if diff := cmp.Diff(append([]rollout.Command{}, want...), got); diff != "" {
		t.Errorf("after %d (-want +got):\n%s", after, diff)
	}
}

func commandsOfUnknownRollouts(t *testing.T, open func() rollout.FullStore) {
	s := open()
	if _, err := s.Send(t.Context(), Command("none", 1)); !errors.Is(err, rollout.ErrNoRollout) {
		t.Errorf("Command: %v, want ErrNoRollout", err)
	}
	if _, err := s.Since(t.Context(), "none", 0); !errors.Is(err, rollout.ErrNoRollout) {
		t.Errorf("Commands: %v, want ErrNoRollout", err)
	}
	must(t, s.Create(t.Context(), Plan("none", "acme", 1)))
	checkCommands(t, s, "none", 0) // nothing was kept
}

func commandsComeBackAsGiven(t *testing.T, open func() rollout.FullStore) {
	s := open()
	must(t, s.Create(t.Context(), Plan("r1", "acme", 5)))
	east := time.FixedZone("east", 2*60*60)
	given := []rollout.Command{
		{Action: rollout.ActionSkip, Tenants: []string{"a", "b c", "ü/’\"\\"}, Reason: "no “disk”\u0000\n<&>", User: "ü", Host: "h.example"},
		{Action: rollout.ActionSkip, Tenants: []string{}},
		{Action: rollout.ActionApprove, Wave: "canary", At: Epoch.In(east).Add(1999 * time.Nanosecond)},
		{Action: rollout.ActionAbort, At: time.Now()}, // with a monotonic reading
		{Action: rollout.ActionRetry, At: time.Date(1969, 7, 20, 20, 17, 40, 1, time.UTC)},
		{Action: rollout.ActionResume, At: time.Date(2400, 2, 29, 23, 59, 59, 999999999, east)},
		{Action: rollout.ActionRollback},
	}
	var want []rollout.Command
	for i, c := range given {
		c.Rollout = "r1"
		got, err := s.Send(t.Context(), c)
		must(t, err)
		c.Seq, c.At = int64(i)+1, c.At.UTC().Truncate(time.Microsecond)
		if diff := cmp.Diff(c, got); diff != "" {
			t.Errorf("the answer (-want +got):\n%s", diff)
		}
		if len(got.Tenants) > 0 {
			got.Tenants[0] = "changed by the caller"
		}
		want = append(want, c)
	}
	want[0].Tenants = []string{"a", "b c", "ü/’\"\\"}
	for _, handle := range []rollout.FullStore{s, open()} {
		checkCommands(t, handle, "r1", 0, want...)
		list, err := handle.Since(t.Context(), "r1", 0)
		must(t, err)
		for _, c := range list {
			if c.At.Location() != time.UTC {
				t.Errorf("command %d is of %s, want UTC", c.Seq, c.At)
			}
		}
	}
}

// An answer may be lost, and then the same is said again, by the same process.
func commandMayBeRepeated(t *testing.T, open func() rollout.FullStore) {
	s := open()
	must(t, s.Create(t.Context(), Plan("r1", "acme", 5)))
	c := Command("r1", 1)
	c.Tenants = []string{"a"}
	first, err := s.Send(t.Context(), c)
	must(t, err)

	other := map[string]rollout.Command{"Action": c, "Wave": c, "Tenants": c, "Reason": c, "User": c, "Host": c, "At": c}
	for field, o := range other {
		switch field {
		case "Action":
			o.Action = rollout.ActionAbort
		case "Wave":
			o.Wave = "canary"
		case "Tenants":
			o.Tenants = []string{"a", "b"}
		case "Reason":
			o.Reason += "!"
		case "User":
			o.User = "v"
		case "Host":
			o.Host = "i"
		case "At":
			o.At = o.At.Add(time.Microsecond)
		}
		got, err := s.Send(t.Context(), o)
		must(t, err)
		if got.Seq <= first.Seq {
			t.Errorf("with another %s it is taken for command %d", field, got.Seq)
		}
	}

	again := c
	again.Seq, again.At = 3, c.At.In(time.FixedZone("west", -5*60*60)).Add(999*time.Nanosecond) // as much as is stored, it is equal
	for range 3 {
		var wait sync.WaitGroup
		for _, handle := range []rollout.FullStore{s, open(), open()} {
			wait.Go(func() {
				if got, err := handle.Send(t.Context(), again); err != nil || !cmp.Equal(first, got) {
					t.Errorf("said again: %v %v, want %v", got, err, first)
				}
			})
		}
		wait.Wait()
	}
	list, err := s.Since(t.Context(), "r1", 0)
	must(t, err)
	if len(list) != 1+len(other) {
		t.Errorf("%d commands, want %d", len(list), 1+len(other))
	}

	// The first call and its repetition at the same moment: neither has found the other's row.
	c = Command("r1", 2)
	var handles []rollout.FullStore
	for range 6 {
		handles = append(handles, open())
	}
	var wait sync.WaitGroup
	for _, handle := range handles {
		wait.Go(func() {
			if got, err := handle.Send(t.Context(), c); err != nil || got.Seq != int64(len(list))+1 {
				t.Errorf("%d %v, want %d", got.Seq, err, len(list)+1)
			}
		})
	}
	wait.Wait()
	c.Seq = int64(len(list)) + 1
	checkCommands(t, s, "r1", int64(len(list)), c)
}

func commandsOfManyHandles(t *testing.T, open func() rollout.FullStore) {
	const operators, each = 20, 5
	s := open()
	must(t, s.Create(t.Context(), Plan("r1", "acme", 5)))
	handles := make([]rollout.FullStore, operators)
	for i := range handles {
		handles[i] = open()
	}
	said := make([][]rollout.Command, operators)
	var wait sync.WaitGroup
	for i, handle := range handles { // all at once
		wait.Go(func() {
			for k := range each {
				c, err := handle.Send(t.Context(), Command("r1", i*each+k))
				if err != nil {
					t.Errorf("operator %d: %v", i, err)
					return
				}
				said[i] = append(said[i], c)
			}
		})
	}
	wait.Wait()
	want := make([]rollout.Command, operators*each)
	for i, list := range said {
		for k, c := range list {
			if c.Seq < 1 || c.Seq > int64(len(want)) || want[c.Seq-1].Seq > 0 {
				t.Fatalf("number %d is out of the order, or was given twice", c.Seq)
			}
			if k > 0 && c.Seq < list[k-1].Seq {
				t.Errorf("operator %d said no. %d after no. %d", i, c.Seq, list[k-1].Seq)
			}
			want[c.Seq-1] = c
		}
	}
	checkCommands(t, s, "r1", 0, want...)
}

// A rollout is under way, an operator speaks from another process, and the rollout polls.
func commandsWhileFactsAreWritten(t *testing.T, open func() rollout.FullStore) {
	const n = 40
	id, operator, watcher := open(), open(), open()
	must(t, id.Create(t.Context(), Plan("r1", "acme", n)))
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	var wait sync.WaitGroup
	wait.Go(func() {
		for i := range n {
			fact := rollout.TenantFinished{Tenant: fmt.Sprintf("tenant_%05d", i), Wave: "all", Outcome: plan.OutcomeDone}
			if err := id.Append(t.Context(), Events("r1", int64(i)+1, fact)); err != nil {
				t.Errorf("fact %d: %v", i+1, err)
				return
			}
		}
	})
	wait.Go(func() {
		for i := range n {
			if _, err := operator.Send(t.Context(), Command("r1", i)); err != nil {
				t.Errorf("command %d: %v", i+1, err)
				giveUp()
				return
			}
		}
	})
	for _, handle := range []rollout.FullStore{id, watcher} {
		wait.Go(func() {
			for seen := int64(0); seen < n; {
				list, err := handle.Since(ctx, "r1", seen)
				if err != nil {
					t.Errorf("poll: %v", err)
					return
				}
				for _, c := range list {
					if seen++; c.Seq != seen {
						t.Errorf("command %d follows command %d", c.Seq, seen-1)
						return
					}
				}
			}
		})
	}
	wait.Wait()
	list, err := id.List(t.Context(), "acme", 0)
	must(t, err)
	if done := list[0].Counts[plan.OutcomeDone]; done != n {
		t.Errorf("%d tenants are done, want %d", done, n)
	}
}
