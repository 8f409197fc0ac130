package config

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	documentation = "../docs/configuration.md"
	tableBegin    = "<!-- keys: written by `go test ./config -update` -->\n"
	tableEnd      = "<!-- end of keys -->\n"
)

func TestDocumentationHasTheTableOfKeys(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableBegin)
	got, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has lost its marks", documentation)
	}
	want := table()
	if *update {
		if err := os.WriteFile(documentation, []byte(before+tableBegin+want+tableEnd+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got (-update to accept):\n%s", diff)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("\n| key | type | default | environment variable | meaning |\n|---|---|---|---|---|\n")
	for _, k := range keys() {
		def, variable, doc := "–", "–", k.doc
		if k.def != "" {
			def = "`" + k.def + "`"
		}
		if k.required {
			def = "required"
		}
		if !k.typ.fileOnly && !strings.Contains(k.path, "[") {
			p := split(k.path)
			if p[0] == "servers" {
				p[1] = "NAME"
			}
			variable = "`" + p.variable() + "`"
		}
		switch k.status {
		case kept:
			doc += " *For commands of a later version.*"
		case later:
			doc += " *Not supported by this version yet: an error when set.*"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.path, k.typ.name, def, variable, doc)
	}
	b.WriteString("\n")
	return b.String()
}

func TestTableOfKeysIsSound(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range keys() {
		var wrong *problem
		if k.def != "" {
			_, _, wrong = k.typ.readText(k.def)
		}
		switch {
		case seen[k.path]:
			t.Errorf("%s is there twice", k.path)
		case k.doc == "" || !strings.HasSuffix(k.doc, "."):
			t.Errorf("%s is not explained in a sentence", k.path)
		case wrong != nil:
			t.Errorf("the default of %s is wrong: %s", k.path, wrong.message)
		}
		seen[k.path] = true
	}
}

// TestExamplesOfTheDocumentationLoad takes what is indented and begins with a key of the config.
func TestExamplesOfTheDocumentationLoad(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	const servers = "servers: {main: {url: postgres://h/d}}\ntenants: [{server: main}]\n"
	seen := map[string]bool{}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		if !strings.HasPrefix(block, "    ") {
			continue
		}
		kind, _, _ := strings.Cut(strings.TrimSpace(block), ":")
		example := strings.ReplaceAll("\n"+block+"\n", "\n    ", "\n")
		switch kind {
		case "fleet":
		case "gate":
			example = servers + "rollout:\n  waves:\n    - name: canary" + strings.ReplaceAll(example, "\n", "\n      ") + "\n"
		case "rollout", "pins", "notify":
			example = servers + example
		default:
			continue
		}
		seen[kind] = true
		if _, err := load("skein.yaml", []byte(example), Options{Env: []string{}}); err != nil {
			t.Errorf("%v\n%s", err, example)
		}
	}
	if len(seen) != 5 {
		t.Errorf("only found examples of %v", seen)
	}
}
