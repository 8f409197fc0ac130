package config

import (
	"testing"

	"github.com/skeindb/skein/engine/text"
)

func TestSuggestionsForKeys(t *testing.T) {
	t.Parallel()
	known := []string{"url", "password", "direct_url", "max_connections", "search_path"}
	for _, c := range []struct{ word, want string }{
		{"pasword", "password"},
		{"PASSWORD", "password"},
		{"Url", "url"},
		{"ur", "url"},
		{"urls", "url"},
		{"max_conections", "max_connections"},
		{"maxconns", ""},
		{"host", ""},
		{"x", ""},
		{"", ""},
	} {
		if got := text.Nearest(c.word, known); got != c.want {
			t.Errorf("%q: got %q, want %q", c.word, got, c.want)
		}
	}
}
