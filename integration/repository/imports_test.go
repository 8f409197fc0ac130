package repository_test

import (
	"slices"
	"strings"
	"testing"
)

// order is the order of the folders: a package imports only from its own folder and from those to its right.
var order = []string{"cmd", "config", "orchestrator", "tenant", "engine"}

func TestImportsRunOneWay(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		from := folder(p.ImportPath)
		for _, path := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if !strings.HasPrefix(path, module+"/") {
				continue
			}
			if p.ImportPath == module+"/engine/revision" && path != p.ImportPath && path != module+"/engine/text" {
				t.Errorf("%s imports %s: engine/revision imports nothing of ours but engine/text", p.ImportPath, path)
			}
			if why := forbidden(from, folder(path)); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, path, why)
			}
		}
	}
}

// forbidden says why a package in one folder may not import one in another; "" if it may.
func forbidden(from, to string) string {
	if from == to || from == "integration" {
		return ""
	}
	right := slices.Index(order, to)
	switch left := slices.Index(order, from); {
	case right < 0:
		return "nothing imports " + to
	case from == "examples" && right > slices.Index(order, "config"):
		return ""
	case left < 0 || left > right:
		return "imports go to the right only: " + strings.Join(order, " → ")
	}
	return ""
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"cmd", "engine", false}, {"tenant", "engine", false}, {"engine", "engine", false}, {"integration", "cmd", false},
		{"examples", "orchestrator", false}, {"examples", "config", true}, {"engine", "tenant", true}, {"orchestrator", "config", true},
		{"engine", "integration", true}, {"cmd", "examples", true},
	} {
		if got := forbidden(test.from, test.to) != ""; got != test.want {
			t.Errorf("forbidden(%s, %s) = %v, want %v", test.from, test.to, got, test.want)
		}
	}
}
