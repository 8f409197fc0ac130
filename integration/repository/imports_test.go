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

// orchestratorImports says which packages of orchestrator each of them may import:
//
//	orchestrator → control, run, store → rollout → plan
//	gate, notify, store/* → rollout, plan
var orchestratorImports = map[string][]string{
	"orchestrator":                 {"orchestrator/control", "orchestrator/run", "orchestrator/store", "orchestrator/rollout", "orchestrator/plan"},
	"orchestrator/control":         {"orchestrator/rollout", "orchestrator/plan"},
	"orchestrator/run":             {"orchestrator/rollout", "orchestrator/plan"},
	"orchestrator/gate":            {"orchestrator/rollout", "orchestrator/plan"},
	"orchestrator/notify":          {"orchestrator/rollout", "orchestrator/plan"},
	"orchestrator/store":           {"orchestrator/rollout", "orchestrator/plan", record},
	"orchestrator/store/sqlite":    {"orchestrator/rollout", "orchestrator/plan", record},
	"orchestrator/store/postgres":  {"orchestrator/rollout", "orchestrator/plan", record},
	"orchestrator/store/storetest": {"orchestrator/rollout", "orchestrator/plan"},
	record:                         {"orchestrator/rollout", "orchestrator/plan"},
	"orchestrator/rollout":         {"orchestrator/plan"},
	"orchestrator/plan":            nil,
}

const record = "orchestrator/store/internal/record"

func TestImportsInsideOrchestrator(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, p := range packages(t) {
		from := short(p.ImportPath)
		if folder(p.ImportPath) != "orchestrator" {
			continue
		}
		allowed, ok := orchestratorImports[from]
		if known[from] = true; !ok {
			t.Errorf("%s is not in orchestratorImports", from)
		}
		for _, path := range p.Imports {
			if to := short(path); to != path && folder(path) == "orchestrator" && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s, and may import only %q of orchestrator", from, to, allowed)
			}
		}
	}
	for name := range orchestratorImports {
		if !known[name] {
			t.Errorf("orchestratorImports has %s, which does not exist", name)
		}
	}
}

// importers says which folders may import a module, tests apart.
var importers = map[string][]string{
	"github.com/spf13/cobra": {"cmd"},
	"github.com/spf13/pflag": {"cmd", "config"},
	"github.com/spf13/viper": {"config"},
	"golang.org/x/term":      {"cmd"},
}

func TestCommandLineLibrariesStayInCmdAndConfig(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			for imported, folders := range importers {
				if path != imported && !strings.HasPrefix(path, imported+"/") {
					continue
				}
				if !slices.Contains(folders, folder(p.ImportPath)) {
					t.Errorf("%s imports %s, which only %q may import", short(p.ImportPath), path, folders)
				}
			}
		}
	}
}

// sqlitePrograms are the examples that use SQLite only.
var sqlitePrograms = []string{"./examples/library", "./examples/sqlite"}

func TestSQLiteProgramsDoNotLinkPostgreSQL(t *testing.T) {
	t.Parallel()
	roots := []string{"./engine/sqlite", "./orchestrator", "./orchestrator/control", "./orchestrator/run", "./orchestrator/store/sqlite", "./tenant/discover"}
	for _, of := range append(roots, sqlitePrograms...) {
		for _, path := range strings.Fields(goList(t, "-deps", of)) {
			if strings.HasPrefix(path, "github.com/jackc/pgx") || path == module+"/engine/postgres" {
				t.Errorf("%s links %s", of, path)
			}
		}
	}
}
