package text_test

import (
	"testing"

	"github.com/skeindb/skein/engine/text"
)

func TestNearestFindsTheWordThatWasMeant(t *testing.T) {
	t.Parallel()
	candidates := []string{"id", "server", "database", "schema", "file"}
	for word, want := range map[string]string{
		"schema":   "schema",
		"shcema":   "schema", // a swap
		"Schema":   "schema",
		"schemas":  "schema",
		"databse":  "database",
		"databsae": "database",
		"ID":       "id",
		"ie":       "", // too short to tell
		"plan":     "",
		"":         "",
		"dätabase": "database",
	} {
		if got := text.Nearest(word, candidates); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestDidYouMeanIsSilentWithoutACandidate(t *testing.T) {
	t.Parallel()
	if got := text.DidYouMean("zebra", []string{"id"}); got != "" {
		t.Errorf("got %q", got)
	}
	if got, want := text.DidYouMean("fiel", []string{"file"}), ""; got == want {
		t.Errorf("no suggestion for a swap")
	}
}
