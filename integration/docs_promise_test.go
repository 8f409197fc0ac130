package integration_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// The table says of each sentence of these documents which tests fail when it does not hold. Its lines are
//
//	== DOCUMENT # HEADING
//	BEGINNING OF THE SENTENCE<tab>TESTS
//
// TESTS are names of test functions (TestAbc) and of scripts below testdata/script (fleet/gate), with spaces between
// them; "-" where the sentence promises nothing (it explains, advises, or leads over), and "?" where no test shows it.
var promisingDocuments = []string{"docs/rollouts.md", "docs/runbook.md", "docs/cli.md"}

const (
	root         = ".." // of the repository, seen from this package
	promiseTable = "testdata/promises.tsv"

	// withoutTest is how many sentences may be marked "?". Lower it with each that gets its test, and never raise it.
	withoutTest = 12
)

var update = flag.Bool("update", false, "add sentences of the documents that "+promiseTable+" lacks, with \"?\", and take out those that are gone")

// place is where a sentence stands, whatever stands before it: an entry outlives changes elsewhere, and of all
// but its beginning.
type place struct{ document, heading, beginning string }

type sentence struct {
	place
	line int
	text string
}

func TestDocumentsPromiseWhatIsTested(t *testing.T) {
	t.Parallel()
	var all []sentence
	for _, document := range promisingDocuments {
		all = append(all, sentencesOf(document, readDocument(t, document))...)
	}
	table, lines := readPromises(t)
	if *update {
		writePromises(t, all, table)
		table, lines = readPromises(t)
	}
	there := testsAndScripts(t)
	var untested int
	for _, s := range all {
		tests, ok := table[s.place]
		delete(lines, s.place)
		switch {
		case !ok:
			t.Errorf("%s:%d: %s lacks this (-update adds it): %q", s.document, s.line, promiseTable, s.text)
		case tests == "?":
			untested++
		case tests == "-":
		case tests == "":
			t.Errorf("%s:%d: has no test, \"-\" or \"?\": %q", s.document, s.line, s.text)
		default:
			for name := range strings.FieldsSeq(tests) {
				if !there[name] {
					t.Errorf("%s:%d: there is no %s, which is to show %q", s.document, s.line, name, s.text)
				}
			}
		}
	}
	for p, line := range lines {
		t.Errorf("%s:%d: %s has no such sentence under %q any more (-update takes it out): %q", promiseTable, line, p.document, p.heading, p.beginning)
	}
	if untested > withoutTest {
		t.Errorf("%d sentences have no test, more than %d", untested, withoutTest)
	}
	t.Logf("%d sentences, %d of them without a test", len(all), untested)
}

func TestSentencesOfADocument(t *testing.T) {
	t.Parallel()
	const text = "# One\n\nA first, with `a. b`\nand more. skein goes on (\"so.\") It ends\n\n```yaml\ncode: x. y\n```\n\n    also code. here\n\n" +
		"## Two\n\n1. **Bold.** Then\n   on.\n- item\n\n| a | b |\n|---|---|\n| `x` | does y. Then z |\nA first, with a tail that is much longer than what identifies it. Twice. Twice.\n"
	want := []string{
		"3 One: A first, with `a. b` and more.", `4 One: skein goes on ("so.")`, "4 One: It ends",
		"14 Two: **Bold.**", "14 Two: Then on.", "16 Two: item", "20 Two: `x` | does y.", "20 Two: Then z",
		"21 Two: A first, with a tail that is much longer than what", "21 Two: Twice.", "21 Two: Twice. (2)",
	}
	var got []string
	for _, s := range sentencesOf("a.md", text) {
		got = append(got, fmt.Sprintf("%d %s: %s", s.line, s.heading, s.beginning))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var (
	listItem  = regexp.MustCompile(`^(?:-|\d+\.) +`)
	endOfText = regexp.MustCompile("[.!?][)\"*_]* ")
	codeSpan  = regexp.MustCompile("`[^`]*`")
)

// sentencesOf are the sentences of a Markdown document, rows of tables and items of lists being paragraphs. Blocks of
// code and the heads of tables are left out.
func sentencesOf(document, text string) []sentence {
	var all []sentence
	var heading string
	var paragraph []string // its lines
	begins := 0            // its first line
	seen := map[place]int{}
	end := func() {
		rest, done := strings.Join(paragraph, " "), 0
		lineOf := func() int { // of what follows the first done bytes
			line := begins
			for at, n := 0, 0; n < len(paragraph)-1; n++ {
				if at += len(paragraph[n]) + 1; at <= done {
					line++
				}
			}
			return line
		}
		for rest != "" {
			s := firstSentence(rest)
			p := place{document, heading, beginningOf(s)}
			if seen[p]++; seen[p] > 1 {
				p.beginning += fmt.Sprintf(" (%d)", seen[p])
			}
			all = append(all, sentence{p, lineOf(), s})
			left := strings.TrimSpace(rest[len(s):])
			done += len(rest) - len(left)
			rest = left
		}
		paragraph = nil
	}
	lines := strings.Split(text, "\n")
	fenced := false
	for n, line := range lines {
		trimmed := oneSpace(line)
		fence := strings.HasPrefix(trimmed, "```")
		fenced = fenced != fence
		row := strings.HasPrefix(trimmed, "|")
		item := listItem.FindString(trimmed)
		if fence || fenced || trimmed == "" || row || item != "" || trimmed[0] == '#' || strings.HasPrefix(line, "    ") {
			end()
		}
		switch {
		case fence || fenced || trimmed == "" || strings.HasPrefix(line, "    "):
			continue
		case strings.HasPrefix(trimmed, "#"):
			heading = strings.TrimLeft(trimmed, "# ")
			continue
		case row && (isRule(trimmed) || n+1 < len(lines) && isRule(lines[n+1])):
			continue
		case row:
			trimmed = oneSpace(strings.Trim(trimmed, "| "))
		}
		if len(paragraph) == 0 {
			begins = n + 1
		}
		paragraph = append(paragraph, strings.TrimPrefix(trimmed, item))
		if row {
			end()
		}
	}
	end()
	return all
}

// isRule reports whether a line is what stands between the head and the rows of a table.
func isRule(line string) bool {
	return strings.HasPrefix(line, "|") && strings.Trim(line, "|-: ") == ""
}

// firstSentence is what stands before the first end of a sentence that is not within code.
func firstSentence(text string) string {
	masked := codeSpan.ReplaceAllStringFunc(text, func(span string) string { return strings.Repeat("`", len(span)) })
	if end := endOfText.FindStringIndex(masked); end != nil {
		return text[:end[1]-1]
	}
	return text
}

// beginningOf is what a sentence is known by: its first words.
func beginningOf(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	cut := string([]rune(text)[:most])
	if at := strings.LastIndexByte(cut, ' '); at > 0 {
		cut = cut[:at]
	}
	return cut
}

// readPromises reads the table, and on which line each entry stands.
func readPromises(t *testing.T) (map[place]string, map[place]int) {
	t.Helper()
	text, err := os.ReadFile(promiseTable)
	if err != nil && !(*update && os.IsNotExist(err)) {
		t.Fatal(err)
	}
	table, lines := map[place]string{}, map[place]int{}
	var document, heading string
	for n, line := range strings.Split(string(text), "\n") {
		if group, ok := strings.CutPrefix(line, "== "); ok {
			document, heading, _ = strings.Cut(group, " # ")
			continue
		}
		beginning, tests, _ := strings.Cut(line, "\t")
		p := place{document, heading, beginning}
		switch _, twice := table[p]; {
		case twice:
			t.Errorf("%s:%d: %q stands there twice", promiseTable, n+1, beginning)
		case line != "":
			table[p], lines[p] = strings.TrimSpace(tests), n+1
		}
	}
	return table, lines
}

// writePromises writes the table in the order of the documents. A sentence that moved to another heading keeps its tests.
func writePromises(t *testing.T, all []sentence, table map[place]string) {
	t.Helper()
	moved := map[place]string{}
	for p, tests := range table {
		moved[place{document: p.document, beginning: p.beginning}] = tests
	}
	var b strings.Builder
	var group place
	for _, s := range all {
		if in := (place{document: s.document, heading: s.heading}); in != group {
			if group = in; b.Len() > 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "== %s # %s\n", s.document, s.heading)
		}
		tests, ok := table[s.place]
		if !ok {
			tests, ok = moved[place{document: s.document, beginning: s.beginning}]
		}
		if !ok {
			tests = "?"
		}
		fmt.Fprintf(&b, "%s\t%s\n", s.beginning, tests)
	}
	if err := os.WriteFile(promiseTable, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// testsAndScripts are the names of all test functions of the repository, and those of the scripts.
func testsAndScripts(t *testing.T) map[string]bool {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	names := map[string]bool{}
	for _, folder := range []string{"integration", "cmd", "config", "orchestrator", "tenant", "engine"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range function.FindAllSubmatch(text, -1) {
				names[string(m[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	scripts, err := filepath.Glob("testdata/script/*/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range scripts {
		names[filepath.ToSlash(strings.TrimSuffix(strings.TrimPrefix(path, filepath.FromSlash("testdata/script/")), ".txtar"))] = true
	}
	return names
}
