package plan

import "testing"

func TestNaturalOrder(t *testing.T) {
	t.Parallel()
	sorted := []string{"", "01", "1", "2", "10", "a", "a1", "a1b", "a2", "a10", "a10b2", "a10b10", "b", "ä"}
	for i, a := range sorted {
		for k, b := range sorted {
			if got := natural(a, b); (got < 0) != (i < k) || (got == 0) != (i == k) {
				t.Errorf("natural(%q, %q) = %d", a, b, got)
			}
		}
	}
}
