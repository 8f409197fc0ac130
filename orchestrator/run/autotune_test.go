package run_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// widths runs 2,000 tenants on a server that gets through one tenant in 100 ms on each of its cores, and a
// little slower the more connections there are. It returns each width that was tried.
func widths(t *testing.T, cores int) []int {
	t.Helper()
	var tried []int
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 2000), repeatStanding(2000, standingAt(g))))
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			s.engine.mu.Lock()
			now := s.engine.now
			s.engine.mu.Unlock()
			share := max(1, float64(now)/float64(cores))
			return taking(time.Duration(share*float64(100*time.Millisecond))+time.Duration(now)*time.Millisecond)(ctx, job)
		}
		s.run(t)
		for _, e := range s.facts(t) {
			if f, ok := e.Fact.(rollout.WidthChanged); ok {
				tried = append(tried, f.Width)
			}
		}
	})
	return tried
}

func TestConcurrencyGrowsWhileThatIsFaster(t *testing.T) {
	t.Parallel()
	got := widths(t, 32)
	if want := []int{10, 12, 15, 16}; !slices.Equal(got, want) {
		t.Errorf("widths %v, want %v", got, want)
	}
}

func TestConcurrencyShrinksWhereMoreIsNotFaster(t *testing.T) {
	t.Parallel()
	for _, cores := range []int{2, 8} {
		got := widths(t, cores)
		if want := []int{10, 8}; !slices.Equal(got, want) {
			t.Errorf("%d cores: widths %v, want %v", cores, got, want)
		}
	}
}
