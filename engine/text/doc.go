// Package text builds the small parts of a message that several packages need: one line, a length limit, a number
// with its noun, the first names of a list, the word that was meant.
//
//	text.Count(60, "tenant")                        60 tenants
//	text.Some([]string{"a", "b", "c", "d"}, 2)      a, b and 2 more
//	text.Cut(text.OneLine("syntax\n  error"), 10)   syntax…
//	text.DidYouMean("shcema", keys)                 did you mean schema?
//
// The functions are pure. They serve skein's own packages and come without a promise of compatibility: wording and
// signatures may change in any release.
package text
