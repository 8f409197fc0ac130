package run

import (
	"context"
	"testing"
)

// A look that got no answer does not count where the server has answered something else since it began: a probe, or a tenant.
func TestUnansweredLookBeforeASignOfLifeDoesNotCount(t *testing.T) {
	t.Parallel()
	s := newServer("s1", 1, 1)
	s.watch.unheard = unheardMax
	s.watch.tasks = []int32{0}
	began := s.lives
	s.answered()
	r := &runner{observing: 1}
	r.handleObservation(observation{server: s, lives: began, err: context.DeadlineExceeded})
	if s.health != well || s.watch.unheard != 0 {
		t.Errorf("got health %d with %d unanswered looks, want that it is well, with none", s.health, s.watch.unheard)
	}
}
