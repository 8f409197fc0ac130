package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

func outcomes(id string, n int) []rollout.Event {
	facts := make([]rollout.Fact, n)
	for i := range facts {
		facts[i] = rollout.TenantFinished{
			Tenant: fmt.Sprintf("tenant_%05d", i), Wave: "all", Outcome: plan.OutcomeDone,
			From: []string{"27c6a30d7c24"}, To: []string{"1975ea83b712"}, Steps: 2, Attempt: 1, Duration: 1234567 * time.Nanosecond,
		}
	}
	return storetest.Events(id, 1, facts...)
}

func BenchmarkSQLite(b *testing.B) {
	s := openSQLite(b, filepath.Join(b.TempDir(), "state.db"))
	runs := 0
	for _, n := range []int{1, 256} {
		b.Run(fmt.Sprintf("Append/%d", n), func(b *testing.B) {
			runs++
			id := fmt.Sprintf("append%d", runs)
			events := outcomes(id, n)
			if err := s.Create(b.Context(), storetest.Plan(id, "acme", n)); err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				for k := range events {
					events[k].Seq = int64(i*n + k + 1)
				}
				if err := s.Append(b.Context(), events); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprintf("Create/%d", n), func(b *testing.B) {
			plan := storetest.Plan("", "big", n)
			for b.Loop() {
				runs++
				plan.Rollout = fmt.Sprintf("big%d", runs)
				if err := s.Create(b.Context(), plan); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("Load/%d", n), func(b *testing.B) {
			runs++
			id := fmt.Sprintf("load%d", runs)
			plan := storetest.Plan(id, "big", n)
			if err := s.Create(b.Context(), plan); err != nil {
				b.Fatal(err)
			}
			if err := s.Append(b.Context(), outcomes(id, n)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, _, err := s.Load(b.Context(), id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("List/20", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.List(b.Context(), "big", 20); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOpenSQLite(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state.db")
	openSQLite(b, path)
	for b.Loop() {
		_ = openSQLite(b, path).Close()
	}
}

// BenchmarkPoll is what a running rollout does once a second: there is nothing new.
func BenchmarkPoll(b *testing.B) {
	s := openSQLite(b, filepath.Join(b.TempDir(), "state.db"))
	if err := s.Create(b.Context(), storetest.Plan("r1", "acme", 10)); err != nil {
		b.Fatal(err)
	}
	if err := s.Append(b.Context(), outcomes("r1", 5000)); err != nil {
		b.Fatal(err)
	}
	for i := range 100 {
		if _, err := s.Send(b.Context(), storetest.Command("r1", i)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if list, err := s.Since(b.Context(), "r1", 100); err != nil || len(list) != 0 {
			b.Fatal(list, err)
		}
	}
}
