package repository_test

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Texts of the library say what to do, never with which command or flag: other programs than cmd/skein show them.

// use finds the names of the commands in the sources of cmd/skein.
var use = regexp.MustCompile(`Use: +"([a-z]+)`)

// flagText finds a flag. A comment of SQL has a space after its dashes.
var flagText = regexp.MustCompile(`(^|[^\w-])--[a-z][a-z-]+`)

// otherPrograms are texts with flags that are not skein's, and texts that only look like a command.
var otherPrograms = []string{
	"pg_dump --schema-only", // advice about dumps
	"--inserts",             // of pg_dump
	"bin/list-tenants",      // an example of a command that lists tenants
	"--rollback ",           // a marker of Liquibase
	"skein store",           // the tool that rows of the store's own version table name
}

// commandLineTexts are the string literals with a command or a flag that are left. It may only get shorter.
var commandLineTexts = []string{
	"`skein upgrade` starts a new one",
	"%s; or take back only the other %s, with --partial",
	"; `--wave NAME` takes the tenants of one wave alone",
	"; or take back only the other %s, with --partial",
	"; or take back what it did, with `skein rollout rollback ",
	"`skein plan -o FILE` writes one",
	"`skein rollout resume ",
	"`skein stamp` records where the tenants were before",
	"`skein upgrade` brings the tenants up again",
	"if no tenant has the revision yet, run `skein upgrade`, which plans afresh; else restore the file, and put the change into a new revision",
	"put the file back and `skein rollout resume`, or plan afresh with a new store: the tenants themselves record what was done in them",
	"restore the file and put the change into a new revision; or accept it, with --allow-changed once or with `skein stamp` for good",
	"restore the file, or go on nevertheless with --allow-changed",
	"take that revision down first, with `skein downgrade`, or by rolling back what applied it",
}

func TestNoCommandLineInTextsOfTheLibrary(t *testing.T) {
	t.Parallel()
	command := commands(t)
	found := map[string]bool{}
	for path, file := range sources(t) {
		if where := topFolder(path); strings.HasSuffix(path, "_test.go") || where == "cmd" || where == "config" || where == "integration" || where == "examples" {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !command.MatchString(text) && !flagText.MatchString(text) || slices.ContainsFunc(otherPrograms, func(part string) bool { return strings.Contains(text, part) }) {
				return true
			}
			if found[text] = true; !slices.Contains(commandLineTexts, text) {
				t.Errorf("%s has a text of the command line: %q", path, text)
			}
			return true
		})
	}
	for _, text := range commandLineTexts {
		if !found[text] {
			t.Errorf("commandLineTexts has a text that is gone, take it out: %q", text)
		}
	}
}

// commands matches a command of skein's with the name of the program.
func commands(t *testing.T) *regexp.Regexp {
	t.Helper()
	files, err := filepath.Glob(root + "/cmd/skein/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range use.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
	}
	if len(names) < 20 {
		t.Fatalf("cmd/skein has only the commands %q; has the way they are declared changed?", names)
	}
	return regexp.MustCompile(`\bskein (` + strings.Join(names, "|") + `)\b`)
}
