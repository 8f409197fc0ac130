package view

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTextEscapesWhatATerminalObeys(t *testing.T) {
	t.Parallel()
	for foreign, want := range map[string]string{
		"plain, tabs\tand\nlines":     "plain, tabs\tand\nlines",
		"Zürich 東京 🇪🇺 👩‍👧 نام‌ها":     "Zürich 東京 🇪🇺 👩‍👧 نام‌ها",
		"x\x1b]0;owned\x07\x1b[2K":    `x\u001b]0;owned\u0007\u001b[2K`,
		"back\b and\rover\x00":        `back\u0008 and\u000dover\u0000`,
		"\x7f and \u009b31m":          `\u007f and \u009b31m`,
		"a raw \x9b31m, \xe2\x82":     `a raw \x9b31m, \xe2\x82`,
		"\u202egnp.exe \u2066x\u2069": `\u202egnp.exe \u2066x\u2069`,
		"zero\u200bwidth \ufeff":      `zero\u200bwidth \ufeff`,
		"line\u2028end":               `line\u2028end`,
		"tag \U000e0041":              `tag \udb40\udc41`,
		"\xffnot the word:31\xff":     `\xffnot the word:31\xff`,
	} {
		var b bytes.Buffer
		w := NewText(&b)
		for _, part := range []string{foreign, "\n"} {
			if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		if diff := cmp.Diff(want+"\n", b.String()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", foreign, diff)
		}
	}
}

// Colours are ours; what a row of a tenant paints is not.
func TestTextPassesItsOwnColours(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	o := Options{Colour: true}
	_, _ = NewText(&b).Write([]byte(o.paint(red, "failed \x1b[32mall done\x1b[0m") + Bold("!")))
	if want := "\x1b[31mfailed \\u001b[32mall done\\u001b[0m\x1b[0m\x1b[1m!\x1b[0m"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// Whatever comes, and however it is cut, nothing that a terminal obeys gets through, and JSON means the same.
func TestTextLetsNothingThrough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		foreign := rapid.String().Draw(t, "foreign") + rapid.SampledFrom([]string{"", "\x1b[2J", "\u202e", "\u0085", "\U000e0001", "ö"}).Draw(t, "more")
		doc, err := json.Marshal(map[string]string{"x": foreign})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		w := NewText(&b)
		for rest := doc; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			_, _ = w.Write(rest[:n])
			rest = rest[n:]
		}
		if i := strings.IndexFunc(b.String(), commands); i >= 0 || !utf8.Valid(b.Bytes()) {
			t.Fatalf("%q got through", b.String()[max(i, 0):])
		}
		var back map[string]string
		if err := json.Unmarshal(b.Bytes(), &back); err != nil || back["x"] != strings.ToValidUTF8(foreign, string(unicode.ReplacementChar)) {
			t.Fatalf("%v: %q became %q", err, foreign, back["x"])
		}
	})
}

func TestRowKeepsItsColumns(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	Row(&b, "%s\t%d\t%s\n", "a\tb\nupgrade finished: all done", 7, red)
	if want := `a\tb\nupgrade finished: all done` + "\t7\t31\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}
