package plan

import (
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

func TestNewIDSortsByTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	a, b := NewID(at), NewID(at.Add(time.Second))
	if a >= b || len(a) != 20 || NewID(at) == a {
		t.Error(a, b)
	}
}
