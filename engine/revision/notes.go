package revision

import (
	"fmt"
	"regexp"
	"strings"
)

// notes are the `-- skein:` lines of a section.
type notes struct {
	touches []string
	ignores []Ignore
}

var noteNames = []string{"ignore", "touches"}

var (
	noteForm   = regexp.MustCompile(`^--[ \t]*skein:[ \t]*([^ \t:]*)(.*)$`)
	ignoreForm = regexp.MustCompile(`^[ \t]+([A-Za-z0-9_-]+)[ \t]*:[ \t]*(.*)$`)
	touchForm  = regexp.MustCompile(`^[^.\s]+\.[^.\s]+$`)
)

// IsTouch reports whether text is a pattern as `-- skein:touches` takes it: schema.name, with globs.
func IsTouch(text string) bool { return touchForm.MatchString(text) }

func isNote(comment string) bool {
	return strings.HasPrefix(strings.TrimLeft(comment[2:], " \t"), "skein:")
}

// note reads a line comment that begins with `skein:`. An unknown note is an error, because what it
// asks for would silently not be done.
func (p *parser) note(t token) {
	m := noteForm.FindStringSubmatchIndex(p.commentText(t))
	name, rest := p.text[t.start+m[2]:t.start+m[3]], p.text[t.start+m[4]:t.start+m[5]]
	if !p.ownLine(t) {
		p.fail(t.start, "a skein: note shares its line with other text", "put it on its own line, above the statement")
		return
	}
	switch name {
	case "ignore":
		p.ignore(t, rest)
	case "touches":
		p.touches(t.start+m[4], rest)
	default:
		p.fail(t.start+m[2], fmt.Sprintf("unknown note skein:%s", name), didYouMean(name, noteNames))
	}
}

func (p *parser) ownLine(t token) bool {
	bol := strings.LastIndexByte(p.text[:t.start], '\n') + 1
	return strings.Trim(p.text[bol:t.start], " \t") == ""
}

func (p *parser) ignore(t token, rest string) {
	m := ignoreForm.FindStringSubmatch(rest)
	if m == nil || m[2] == "" {
		p.fail(t.start, "skein:ignore lacks a rule or a reason", "write `-- skein:ignore RULE: reason`")
		return
	}
	line, _ := p.at.position(t.start)
	p.notes.ignores = append(p.notes.ignores, Ignore{Rule: m[1], Reason: m[2], Line: line})
}

func (p *parser) touches(at int, rest string) {
	for item := range listItems(rest) {
		if !IsTouch(item.text) {
			p.fail(at+item.at, fmt.Sprintf("skein:touches: %q is no pattern of a relation", item.text),
				"write `-- skein:touches public.plans, billing.*`")
			continue
		}
		p.notes.touches = append(p.notes.touches, item.text)
	}
}
