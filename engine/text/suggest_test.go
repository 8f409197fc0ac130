package text_test

import (
	"strings"
	"testing"

	"github.com/skeindb/skein/engine/text"
)

func TestNearestFindsTheWordThatWasMeant(t *testing.T) {
	t.Parallel()
	candidates := []string{"id", "server", "database", "schema", "file", "statement_timeout"}
	for word, want := range map[string]string{
		"schema":           "schema",
		"shcema":           "schema", // a swap
		"Schema":           "schema",
		"schemas":          "schema",
		"databse":          "database",
		"databsae":         "database",
		"ID":               "id",
		"ie":               "", // too short to tell
		"plan":             "",
		"":                 "",
		"dätabase":         "database",
		"satementtimeot":   "statement_timeout", // a third of the letters
		"timeout":          "",
		"statement-timout": "statement_timeout",
	} {
		if got := text.Nearest(word, candidates); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestNearestPrefersTheNearerAndThenTheEarlier(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"cat": "cart", "carts": "cart", "care": "cart", "core": "core"} {
		if got := text.Nearest(word, []string{"cart", "card", "core"}); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestNearestIgnoresWordsOfUnreasonableLength(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 1_000_000)
	if got := text.Nearest(long, []string{long + "b"}); got != "" {
		t.Errorf("got a word of %d bytes, want none", len(got))
	}
}

func TestDidYouMeanIsEmptyWithoutACandidate(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"zebra": "", "fiel": "did you mean file?"} {
		if got := text.DidYouMean(word, []string{"id", "file"}); got != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", word, got, want)
		}
	}
}
