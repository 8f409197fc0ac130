package revision

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A line that its author took for the marker of a section, and that is none, would make the downgrade statements a part of
// the upgrade. So every comment that could be meant as a marker is an error, markers of other tools included.

// foreignMarker is a comment with a meaning to another tool.
type foreignMarker struct {
	begin string         // what the comment begins with: form is asked only then
	form  *regexp.Regexp // of the comment in lower case, without the dashes before it, blanks cut to one
	tool  string
	down  bool // it begins the way down
}

var foreignMarkers = []foreignMarker{
	{"+goose", regexp.MustCompile(`^\+goose down\b`), "goose", true},
	{"+goose", regexp.MustCompile(`^\+goose\b`), "goose", false},
	{"migrate", regexp.MustCompile(`^migrate ?: ?down\b`), "dbmate", true},
	{"migrate", regexp.MustCompile(`^migrate ?: ?\w`), "dbmate", false},
	{"+migrate", regexp.MustCompile(`^\+migrate down\b`), "sql-migrate", true},
	{"+migrate", regexp.MustCompile(`^\+migrate\b`), "sql-migrate", false},
	{"create above", regexp.MustCompile(`^create above ?/ ?drop below\b`), "tern", true},
	{"tern", regexp.MustCompile(`^tern ?:`), "tern", false},
	{"flyway", regexp.MustCompile(`^flyway ?:`), "Flyway", false},
	{"liquibase", regexp.MustCompile(`^liquibase formatted sql\b`), "Liquibase", false},
	{"changeset", regexp.MustCompile(`^changeset \S+:\S`), "Liquibase", false},
	{"rollback", regexp.MustCompile(`^rollback (not required|empty|changesetid:|(drop|delete|alter|update|insert|create|truncate|rename|comment|grant|revoke|select|set)\b)`), "Liquibase", true},
	{"+micrate", regexp.MustCompile(`^\+micrate down\b`), "micrate", true},
	{"+micrate", regexp.MustCompile(`^\+micrate\b`), "micrate", false},
	{"rambler", regexp.MustCompile(`^rambler (up|down)\b`), "rambler", true},
	{"//", regexp.MustCompile(`^// ?@? ?undo\b`), "MyBatis Migrations", true},
	{"@", regexp.MustCompile(`^@ ?undo\b`), "MyBatis Migrations", true},
	{"!", regexp.MustCompile(`^! ?downs\b`), "Play evolutions", true},
	{"!", regexp.MustCompile(`^! ?ups\b`), "Play evolutions", false},
	{"down migration", regexp.MustCompile(`^down migration\b`), "node-pg-migrate", true},
	{"up migration", regexp.MustCompile(`^up migration\b`), "node-pg-migrate", false},
	{"atlas", regexp.MustCompile(`^atlas ?:`), "Atlas", false},
	{"deploy", regexp.MustCompile(`^deploy \S+ to \w+$`), "sqitch", false},
	{"revert", regexp.MustCompile(`^revert \S+ from \w+$`), "sqitch", true},
	{"verify", regexp.MustCompile(`^verify \S+ on \w+$`), "sqitch", false},
}

// aloneForm is a comment that consists of a word for the way up or down and nothing else that is said.
var aloneForm = regexp.MustCompile(`(?i)^(up|down|rollback|undo|revert|do|migrate[ -]?(?:up|down)|roll ?back|down ?grade|up ?grade)( (section|script|part|migration|sql))?$`)

// maxAlone is more than the longest text that aloneForm matches.
const maxAlone = 32

// strayMarker says why a comment cannot stand; nil when it can. comment is its text with the signs that make it
// one; line is false for a block comment, which counts only when nothing but the word stands in it.
func strayMarker(comment string, line bool) *fault {
	words := plain(comment)
	if d, ok := sectionWord(comment); ok && (line || aloneForm.MatchString(trimSigns(words))) {
		return &fault{
			message: fmt.Sprintf("this comment begins with the word %sgrade and is no marker of a section", d),
			advice: fmt.Sprintf("to begin the section, write `-- %sgrade` at the beginning of a line, with nothing behind it but a colon and options; "+
				"for a comment, begin it with another word", d),
		}
	}
	if line {
		after := strings.ToLower(strings.TrimLeftFunc(words, func(r rune) bool { return r == ' ' || isDash(r) }))
		for _, m := range foreignMarkers {
			if strings.HasPrefix(after, m.begin) && m.form.MatchString(after) {
				return &fault{message: "this is a marker of " + m.tool + ", which means nothing here", advice: foreignAdvice(m)}
			}
		}
		if strings.HasPrefix(strings.ToLower(comment), "--rollback ") {
			return &fault{message: "this is a marker of Liquibase, which means nothing here", advice: foreignAdvice(foreignMarker{down: true})}
		}
	}
	if alone := trimSigns(words); len(alone) <= maxAlone && aloneForm.MatchString(alone) {
		return &fault{
			message: fmt.Sprintf("this comment says only %q, which looks like the marker of a section and is none", trimSigns(words)),
			advice:  "the sections begin with `-- upgrade` and `-- downgrade` at the beginning of a line; for a comment, say more",
		}
	}
	return nil
}

func foreignAdvice(m foreignMarker) string {
	if m.down {
		return "write `-- downgrade` at the beginning of a line in its place; what follows is then the way down"
	}
	return "take it out: sections begin with `-- upgrade` and `-- downgrade`, options follow as in `-- upgrade: no-transaction`, and statements need no marks"
}

// sectionWord reports whether the first word of a comment is that of a section, in any letters.
func sectionWord(comment string) (Direction, bool) {
	// A quoted word is spoken of: -- "downgrade" is a column.
	text := strings.TrimLeftFunc(plain(comment), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_'\"`", r)
	})
	end := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	if end < 0 {
		end = len(text)
	}
	switch word := text[:end]; {
	case strings.EqualFold(word, "upgrade"):
		return Up, true
	case strings.EqualFold(word, "downgrade"):
		return Down, true
	}
	return "", false
}

// plain drops what cannot be seen (zero-width characters, marks of direction) and makes white space of any kind,
// Unicode's too, one blank.
func plain(text string) string {
	if isASCII(text) {
		return strings.Join(strings.FieldsFunc(text, blank), " ")
	}
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unwide(r)
	}, text)
	return strings.Join(strings.FieldsFunc(text, blank), " ")
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// blank also counts the letters that look like a blank.
func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == 'ㅤ' || r == 'ﾠ' || r == '⠀'
}

// unwide turns a full-width form into its ASCII character.
func unwide(r rune) rune {
	if r >= '！' && r <= '～' {
		return r - '！' + '!'
	}
	return r
}

func isDash(r rune) bool { return unicode.Is(unicode.Pd, r) || r == '−' }

// trimSigns takes signs and blanks off both ends.
func trimSigns(text string) string {
	return strings.TrimFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && !strings.ContainsRune("'\"`", r)
	})
}

// strayLine looks at a statement whose first line is what a marker would be if it began with two ASCII dashes:
// `#downgrade`, `- downgrade`, `downgrade`, `—— downgrade`.
func strayLine(statement string) *fault {
	line, _, _ := strings.Cut(statement[:min(len(statement), 80)], "\n")
	if d, ok := sectionWord(line); ok {
		return &fault{
			message: fmt.Sprintf("this line looks like the marker of the %sgrade section and is none", d),
			advice:  fmt.Sprintf("write `-- %sgrade` at the beginning of a line, with two ASCII dashes and one blank", d),
		}
	}
	if strings.HasPrefix(statement, "{{") {
		return &fault{
			message: "a template's action in a section that is no template",
			advice:  "mark the section `template`; other files are not included: {{ template }} of tern and the like means nothing here",
		}
	}
	return nil
}
