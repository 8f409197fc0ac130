package orchestrator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNormalise(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		`relation "acme.users" does not exist`:                       `relation "…" does not exist`,
		`open /data/acme.db: no such file`:                           `open …: no such file`,
		`main/app/acme is gone.`:                                     `… is gone.`,
		`row 0192f0c1-7e5a-7c3b-9a57-3b0a1c2d3e4f is held by pid 12`: `row … is held by pid #`,
		`can't do that, don't ask`:                                   `can't do that, don't ask`,
		`value 'a''b' of «x» and ‘y’`:                                `value '…''…' of «…» and ‘…’`,
		`an unclosed "quote`:                                         `an unclosed "quote`,
		`I/O error`:                                                  `I/O error`,
		``:                                                           ``,
	} {
		if got := normalise(message); got != want {
			t.Errorf("normalise(%q) = %q, want %q", message, got, want)
		}
	}
	if got := withoutName("schema acme of acme_2 is not acme/x", "acme"); got != "schema … of acme_2 is not …/x" {
		t.Error(got)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		if once := normalise(s); len(s) > 0 && once == "" {
			t.Fatalf("nothing is left of %q", s)
		}
	})
}

func TestBudgetOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text    string
		planned int
		want    int
	}{
		{"0", 1000, 0}, {"3", 2, 3}, {"1%", 99, 0}, {"1%", 100, 1}, {"1%", 199, 1}, {"7%", 100, 7}, {"29%", 100, 29},
		{"0.1%", 1000, 1}, {"0.3%", 1000, 3}, {"100%", 7, 7}, {"0%", 1000, 0}, {"12.5%", 8, 1}, {"33.3%", 3, 0},
	} {
		b, err := ParseBudget(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Of(test.planned); got != test.want {
			t.Errorf("%s of %d = %d, want %d", test.text, test.planned, got, test.want)
		}
	}
	for _, text := range []string{"", "-1", "x", "101%", "-1%", "NaN%", "1.5", "%"} {
		if b, err := ParseBudget(text); err == nil {
			t.Errorf("ParseBudget(%q) = %v", text, b)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 100000).Draw(t, "planned")
		k := rapid.IntRange(1, 1000).Draw(t, "tenths of a percent")
		if got, want := (Budget{Percent: float64(k) / 10}).Of(n), k*n/1000; got != want {
			t.Fatalf("%d/10%% of %d = %d, want %d", k, n, got, want)
		}
	})
}

func TestWaitsStayWithinTheirBounds(t *testing.T) {
	t.Parallel()
	r := Retry{}.WithDefaults()
	bounds := []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond}
	for i, bound := range bounds {
		for range 1000 {
			if w := r.Wait(i + 1); w < 0 || w > bound {
				t.Fatalf("wait(%d) = %s", i+1, w)
			}
			if w := r.Deferral(i + 1); w < 4*bound || w > 8*bound {
				t.Fatalf("deferral(%d) = %s", i+1, w)
			}
			if w := probeWait(i + 1); w < probeBase/2 || w > probeMax {
				t.Fatalf("probeWait(%d) = %s", i+1, w)
			}
		}
	}
	if w := r.Wait(1000); w > 30*time.Second {
		t.Errorf("wait(1000) = %s", w)
	}
}

func TestNewIDSortsByTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	a, b := NewID(at), NewID(at.Add(time.Second))
	if a >= b || len(a) != 20 || NewID(at) == a {
		t.Error(a, b)
	}
}

func TestDroppedTenantIsInNoQueue(t *testing.T) {
	t.Parallel()
	items := make([]Item, 600)
	for i := range items {
		items[i].Tenant.ID = fmt.Sprint("t", i)
	}
	cohorts := []Cohort{{Steps: []string{"a"}}}
	w := newWave(&Wave{Name: "all", Planned: len(items)}, items, cohorts, newLimits(cohorts), Policy{}.WithDefaults())
	s := w.servers[0]
	w.nextWindow()
	w.namedSeq = 1
	named, planned := w.named[3], s.planned[3]
	before := s.naming
	w.remove(named)
	w.remove(planned)
	if s.naming != before-1 || slices.Contains(w.named, named) || slices.Contains(s.planned, planned) {
		t.Errorf("%d are being named, want %d", s.naming, before-1)
	}
	w.mayStart()
	ready := s.ready[5]
	w.remove(ready)
	resting := s.ready[0]
	s.ready = s.ready[1:]
	w.wait(resting, time.Now())
	w.remove(resting)
	deferred := s.ready[0]
	s.ready, s.deferred = s.ready[1:], []int32{deferred}
	w.remove(deferred)
	all := w.untouched(s)
	if slices.Sort(all); len(all) != len(items)-5 || len(slices.Compact(all)) != len(all) {
		t.Errorf("%d are left of %d", len(all), len(items))
	}
	for _, t5 := range []int32{named, planned, ready, resting, deferred} {
		if slices.Contains(all, t5) {
			t.Errorf("%d is still there", t5)
		}
	}
}
