package plan_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/skeindb/skein/orchestrator/plan"
)

func TestSizes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text    string
		planned int
		want    int
	}{
		{"20", 600, 20}, {"20", 7, 7}, {"1", 0, 0}, {"5%", 600, 30}, {"5%", 601, 31}, {"5%", 1, 1}, {"5%", 0, 0}, {"100%", 7, 7},
		{"7%", 100, 7}, {"29%", 100, 29}, {"0.1%", 1000, 1}, {"0.1%", 1001, 2}, {"33.3%", 3, 1}, {"0.001%", 10, 1},
	} {
		s, err := plan.ParseSize(test.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Of(test.planned); got != test.want {
			t.Errorf("%s of %d = %d, want %d", test.text, test.planned, got, test.want)
		}
		if s.String() != test.text || s.IsZero() {
			t.Errorf("%s is written %s", test.text, s)
		}
	}
	for _, text := range []string{"", "0", "-1", "x", "1.5", "0%", "-1%", "101%", "NaN%", "%", "5 %%", "1e99%", "tier=internal"} {
		if s, err := plan.ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %v", text, s)
		}
	}
	if zero := (plan.Size{}); !zero.IsZero() || zero.String() != "" || zero.Of(7) != 7 {
		t.Error("the zero size is not all")
	}
}

func TestAShareOfSomebodyIsSomebody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 100000).Draw(t, "planned")
		k := rapid.IntRange(1, 1000).Draw(t, "tenths of a percent")
		if got, want := (plan.Size{Percent: float64(k) / 10}).Of(n), (k*n+999)/1000; got != want {
			t.Fatalf("%d/10%% of %d = %d, want %d", k, n, got, want)
		}
	})
}
