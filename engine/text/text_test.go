package text_test

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine/text"
)

func TestOneLineFoldsWhiteSpace(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                         "",
		" \r\n\t":                  "",
		"plain":                    "plain",
		"  syntax\r\n\t error  at": "syntax error at",
		"non\u00a0breaking":        "non breaking",
		"nul\x00byte":              "nul\uFFFDbyte",
		"bad\xff\xfebyte":          "bad\uFFFDbyte",
		"esc\x1b[31m":              "esc\x1b[31m",
	} {
		if got := text.OneLine(in); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCutKeepsWholeCharactersWithinTheLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 10, ""},
		{"abcdef", 6, "abcdef"},
		{"abcdefg", 6, "abc…"},
		{"aäöü", 7, "aäöü"},
		{"aäöüx", 7, "aä…"}, // ö does not fit whole beside the mark
		{"abcdef", 0, "…"},
		{"ab", 0, "ab"},
	} {
		if got := text.Cut(c.in, c.limit); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		in, limit := rapid.String().Draw(t, "in"), rapid.IntRange(3, 40).Draw(t, "limit")
		got := text.Cut(in, limit)
		if len(got) > limit || !utf8.ValidString(got) || len(in) <= limit && got != in {
			t.Fatalf("Cut(%q, %d) = %q", in, limit, got)
		}
	})
}

func TestCountAndPluralFollowTheNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 tenants are", 1: "1 tenant is", 2: "2 tenants are", 60: "60 tenants are"} {
		if got := text.Count(n, "tenant") + " " + text.Plural(n, "is", "are"); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestSomeNamesTheFirstAndCountsTheRest(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c"}
	for limit, want := range map[int]string{0: "3", 1: "a and 2 more", 2: "a, b and 1 more", 3: "a, b, c", 9: "a, b, c"} {
		if got := text.Some(names, limit); got != want {
			t.Errorf("Some(%v, %d) = %q, want %q", names, limit, got, want)
		}
	}
	if got := text.Some(nil, 5); got != "" {
		t.Errorf("Some(nil) = %q, want an empty text", got)
	}
	if got, want := text.First(names, 1000), "a, b, c and 997 more"; got != want {
		t.Errorf("First = %q, want %q", got, want)
	}
}

func TestBecauseIsEmptyWithoutAReason(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{"": "", "too slow": ": too slow"} {
		if got := text.Because(reason); got != want {
			t.Errorf("Because(%q) = %q, want %q", reason, got, want)
		}
	}
}
