package revision

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
)

// The header keys, in the order in which they are written.
const (
	keyRevision  = "revision"
	keyRevises   = "revises"
	keyDependsOn = "depends_on"
	keyLabels    = "branch_labels"
	keyMessage   = "message"
	keyCreated   = "created"
)

var headerKeys = []string{keyRevision, keyRevises, keyDependsOn, keyLabels, keyMessage, keyCreated}

// headerForm is the shape of a header line. A line of that form without a known key is a mistake, and not a
// comment, only if white space follows the colon: a URL is a comment.
var headerForm = regexp.MustCompile(`^--[ \t]*([a-z_]+)[ \t]*:(.*)$`)

const none = "none"

// headerEntry is one header line.
type headerEntry struct {
	value  string
	key    int // offset of the key
	offset int // of the value
}

// headerLine reads a comment from the top of the file.
func (p *parser) headerLine(t token) {
	m := headerForm.FindStringSubmatchIndex(strings.TrimRight(p.text[t.start:t.end], " \t\r"))
	if m == nil {
		p.almostHeader(t)
		return
	}
	key, rest := p.text[t.start+m[2]:t.start+m[3]], p.text[t.start+m[4]:t.start+m[5]]
	first, twice := p.header[key]
	switch {
	case !slices.Contains(headerKeys, key):
		if known, _ := almostKey(p.text[t.start:t.end]); known != "" {
			p.almostHeader(t)
		} else if rest == "" || isSpace(rest[0]) {
			p.fail(t.start+m[2], fmt.Sprintf("unknown header key %q", key),
				didYouMean(key, headerKeys)+"; for a comment, put no `word:` at the beginning of the line")
		}
	case twice:
		p.failOther(t.start+m[2], first.key, fmt.Sprintf("header key %q is there twice", key), "leave one of them out")
	default:
		value := strings.TrimLeft(rest, " \t")
		p.header[key] = headerEntry{value: value, key: t.start + m[2], offset: t.start + m[5] - len(value)}
	}
}

// keyNames are words that are often written for a header key, with blanks and dashes as underscores.
var keyNames = map[string]string{
	keyRevision: keyRevision, "revision_id": keyRevision, "rev": keyRevision,
	keyRevises: keyRevises, "revise": keyRevises, "down_revision": keyRevises,
	keyDependsOn: keyDependsOn, "depends": keyDependsOn, "depend_on": keyDependsOn, "dependson": keyDependsOn,
	keyLabels: keyLabels, "branch_label": keyLabels, "branchlabels": keyLabels, "branchlabel": keyLabels,
	keyMessage: keyMessage, keyCreated: keyCreated, "create_date": keyCreated,
}

// almostForm is a comment whose beginning could be a header key: words, then a colon or an equals sign.
var almostForm = regexp.MustCompile(`^[^\pL\pN_'"]*([\pL_][\pL_ -]*?) ?[:=∶꞉](.*)$`)

// bareForm is a header line without its colon, for the keys that are no words of prose or have a list of ids
// behind them.
var bareForm = regexp.MustCompile(`^[^\pL\pN_'"]*((?i:depends_on|branch_labels|revises)) +[\pL\pN_.-]+( ?, ?[\pL\pN_.-]+)*$`)

// almostKey returns the header key that a comment seems to mean, and what it has in its place; "" for none.
func almostKey(comment string) (key, written string) {
	text := plain(comment)
	if m := almostForm.FindStringSubmatch(text); m != nil {
		return keyNames[strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(m[1]))], m[1]
	}
	if m := bareForm.FindStringSubmatch(text); m != nil {
		return strings.ToLower(m[1]), m[1]
	}
	return "", ""
}

// almostHeader reports a line that looks like a header line with a mistake.
func (p *parser) almostHeader(t token) {
	key, written := almostKey(p.text[t.start:t.end])
	if key == "" {
		return
	}
	p.almost = append(p.almost, key)
	p.fail(t.start, fmt.Sprintf("this line looks like the header key %s and is a comment", key),
		fmt.Sprintf("write `-- %s: …`, in these letters and with a colon, not `%s`; for a comment, begin it with another word", key, written))
}

// headerBelow reports a header line in a section, where it would be a comment.
func headerBelow(comment string) *fault {
	m := headerForm.FindStringSubmatch(strings.TrimRight(comment, " \t\r"))
	if m == nil || m[1] != keyDependsOn && m[1] != keyLabels && m[1] != keyRevises {
		return nil
	}
	return &fault{
		message: fmt.Sprintf("the header key %s stands in a section, where it is a comment", m[1]),
		advice:  "put it above the first section; for a comment, begin it with another word",
	}
}

// readHeader turns the header lines into the fields of the revision.
func (p *parser) readHeader() {
	r := p.rev
	r.Message, r.Created = p.header[keyMessage].value, p.header[keyCreated].value
	id, found := p.header[keyRevision]
	if !found {
		if !slices.Contains(p.almost, keyRevision) {
			p.fail(0, "the header has no `-- revision: ID` line", p.foreignName("every revision file begins with it"))
		}
	} else {
		r.ID = id.value
		r.Line, _ = p.at.position(id.key)
		if p.checkID(id.value, id.offset) {
			p.checkName(id)
		}
	}
	if e, ok := p.header[keyRevises]; ok {
		r.Revises = p.ids(keyRevises, e)
	} else if !slices.Contains(p.almost, keyRevises) {
		p.fail(id.key, "the header has no `-- revises: ID` line", p.foreignName("write `-- revises: none` for the first revision"))
	}
	if e, ok := p.header[keyDependsOn]; ok {
		r.DependsOn = p.list(keyDependsOn, e)
	}
	if e, ok := p.header[keyLabels]; ok {
		r.Labels = p.list(keyLabels, e)
	}
}

// foreignNames are file names of other tools.
var foreignNames = []struct {
	form *regexp.Regexp
	what string
}{
	{regexp.MustCompile(`(?i)\.(up|down)\.sql$`), "the name is one of golang-migrate: put the statements of its .up.sql file below `-- upgrade` and those of its .down.sql file below `-- downgrade` of one file"},
	{regexp.MustCompile(`^U[0-9][0-9._]*__`), "the name is that of an undo file of Flyway: put its statements below `-- downgrade` of the file that it takes back"},
	{regexp.MustCompile(`^(V[0-9][0-9._]*|R)__`), "the name is one of Flyway: `Revision` writes a file to put its statements into"},
}

// foreignName returns the advice for a file that has the name of another tool's; else otherwise.
func (p *parser) foreignName(otherwise string) string {
	base := p.file[strings.LastIndexByte(p.file, '/')+1:]
	for _, n := range foreignNames {
		if n.form.MatchString(base) {
			return n.what
		}
	}
	return otherwise
}

func (p *parser) checkID(id string, at int) bool {
	switch {
	case slices.Contains(reserved, id):
		p.failKind(KindBadID, at, fmt.Sprintf("%q cannot be a revision id", id), "rename it: that word has a meaning in targets")
	case !idForm.MatchString(id):
		p.failKind(KindBadID, at, fmt.Sprintf("%q cannot be a revision id", id), "ids are 1 to 32 letters, digits and underscores")
	default:
		return true
	}
	return false
}

func (p *parser) checkName(id headerEntry) {
	base := p.file[strings.LastIndexByte(p.file, '/')+1:]
	if !strings.HasPrefix(base, id.value+"_") {
		p.failKind(KindName, id.offset, fmt.Sprintf("the file of revision %s is called %s", id.value, base),
			fmt.Sprintf("its name has to begin with %s_", id.value))
	}
}

// ids reads the full ids of `revises`.
func (p *parser) ids(key string, e headerEntry) []string {
	ids := p.list(key, e)
	for _, id := range ids {
		at := e.offset + strings.Index(e.value, id)
		switch {
		case id == "base":
			p.failKind(KindBadID, at, "revises: base is no revision", "write `none` for the first revision")
		case slices.Contains(reserved, id) || !idForm.MatchString(id):
			p.failKind(KindBadID, at, fmt.Sprintf("revises: %q cannot be a revision id", id), "write full ids with commas between them, or `none`")
		}
	}
	return ids
}

// list reads `a, b`; nil for `none`.
func (p *parser) list(key string, e headerEntry) []string {
	if e.value == none {
		return nil
	}
	var list []string
	for item := range listItems(e.value) {
		at := e.offset + item.at
		switch {
		case item.text == "":
			p.fail(at, key+": a name is missing", "write names with commas between them, or `none`")
		case item.text == none:
			p.fail(at, key+": none stands beside other names", "write `none` by itself, or leave it out")
		case slices.Contains(list, item.text):
			p.fail(at, fmt.Sprintf("%s: %s is there twice", key, item.text), "leave one of them out")
		default:
			list = append(list, item.text)
		}
	}
	return list
}

// listItem is a piece between commas without the white space around it.
type listItem struct {
	text string
	at   int // offset in the list
}

func listItems(text string) iter.Seq[listItem] {
	return func(yield func(listItem) bool) {
		at := 0
		for piece := range strings.SplitSeq(text, ",") {
			left := len(piece) - len(strings.TrimLeft(piece, " \t"))
			if !yield(listItem{strings.Trim(piece, " \t\r"), at + left}) {
				return
			}
			at += len(piece) + 1
		}
	}
}
