package tenant_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/skeindb/skein/tenant"
)

func TestGlobMatchesTheWholeName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"acme", "acme", true},
		{"acme", "Acme", false},
		{"acme", "acme2", false},
		{"acme-*", "acme-eu", true},
		{"acme-*", "acme-", true},
		{"acme-*", "acme", false},
		{"*", "", true},
		{"?", "", false},
		{"?", "é", true}, // a character, not a byte
		{"???", "日本語", true},
		{"*/billing", "app/acme/billing", true}, // a star takes slashes too
		{"*a*b*c", "xxaxxbxxabc", true},
		{"*a*b*c", "xxaxxcxxb", false},
		{"a[b]", "a[b]", true}, // nothing else is special
		{"a[b]", "ab", false},
		{`a\*`, `a\b`, true},
		{"", "", true},
		{"", "a", false},
	} {
		if got := tenant.Glob(c.pattern, c.name); got != c.want {
			t.Errorf("Glob(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestGlobAgreesWithARegularExpression(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.RuneFrom([]rune("ab*?ä.")), 0, 8, -1).Draw(t, "pattern")
		name := rapid.StringOfN(rapid.RuneFrom([]rune("abä.\n")), 0, 12, -1).Draw(t, "name")
		expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile("^(?s:" + expression + ")$").MatchString(name)
		if got := tenant.Glob(pattern, name); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
