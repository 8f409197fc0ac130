package integration_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/skeindb/skein/integration/skeintest"
)

// The scripts of the command line: each txtar file below testdata/script is one, run with the built binary in a
// folder of its own. Those of fleet/ are run three times: SQLite files, schemas of a database, databases of a server.
// Besides testscript's own commands they have
//
//	skein ARGS              runs skein, which has to end with 0
//	exit CODE skein ARGS    the same with another exit code
//	json FILE               stdout is one JSON document, and equal to that of the file (see script_json_test.go)
//	stream FILE             stdout is a stream of events, and the report that ends it is equal to that of the file
//	event FILE              a line of the stream is equal to that of the file
//	start NAME skein ARGS   begins a process
//	await NAME TEXT         waits until it has printed TEXT
//	signal NAME INT|KILL    sends it a signal
//	replace FILE OLD NEW    changes text that is in a file
//	expand FILE...          puts the values of variables into files
//	end NAME CODE           waits for its end; stdout and stderr are then those of the process
//
// and those of script_fleet_test.go, which make a fleet and look into it.

func TestAuthoring(t *testing.T) { runScripts(t, "author", nil) }

func TestSQLiteStories(t *testing.T) { runScripts(t, "sqlite", newFiles) }

func TestPostgresStories(t *testing.T) { runScripts(t, "postgres", newSchemas) }

func TestFleetOfFiles(t *testing.T) { runScripts(t, "fleet", newFiles) }

func TestFleetOfSchemas(t *testing.T) { runScripts(t, "fleet", newSchemas) }

func TestFleetOfDatabases(t *testing.T) { runScripts(t, "fleet", newDatabases) }

// runScripts runs the scripts of a folder, each with tenants of its own.
func runScripts(t *testing.T, folder string, newBackend func(testing.TB, string) scriptBackend) {
	t.Helper()
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script", folder),
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			tb, ok := env.T().(testing.TB)
			if !ok {
				return fmt.Errorf("testscript runs with a %T", env.T())
			}
			env.Setenv("PATH", filepath.Dir(skeintest.Binary(tb))+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("GOTRACEBACK", "single")
			s := &scriptState{tb: tb, processes: map[string]*process{}}
			env.Values[scriptStateKey{}] = s
			env.Defer(s.close)
			if newBackend == nil {
				return nil
			}
			s.backend = newBackend(tb, env.WorkDir)
			env.Setenv("KIND", s.backend.kind())
			if database, ok := s.backend.(*schemas); ok {
				env.Setenv("URL", database.url)
				env.Setenv("DATABASE", database.name)
			}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			return false, fmt.Errorf("no condition %q: a script is the same everywhere", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"skein": cmdSkein, "exit": cmdExit,
			"json": cmdJSON, "stream": cmdStream, "event": cmdEvent,
			"start": cmdStart, "await": cmdAwait, "signal": cmdSignal, "end": cmdEnd,
			"fleet": cmdFleet, "more": cmdMore, "drop": cmdDrop, "shop": cmdShop, "slow": cmdSlow,
			"sql": cmdSQL, "rows": cmdRows, "tables": cmdTables, "lock": cmdLock, "unlock": cmdUnlock, "psql": cmdPsql,
			"replace": cmdReplace, "expand": cmdExpand,
		},
	})
}

func cmdSkein(ts *testscript.TestScript, neg bool, args []string) {
	runCommand(ts, neg, 0, append([]string{"skein"}, args...))
}

func cmdExit(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exit CODE COMMAND ARGS")
	}
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	runCommand(ts, neg, code, args[1:])
}

// runCommand runs a command that has to end with a code. A panic ends with 2 too, so that is looked for.
func runCommand(ts *testscript.TestScript, neg bool, want int, command []string) {
	if neg {
		ts.Fatalf("say with which code it ends: exit CODE %s", command[0])
	}
	err := ts.Exec(command[0], command[1:]...)
	wantExitCode(ts, want, err, strings.Join(command, " "))
}

func wantExitCode(ts *testscript.TestScript, want int, err error, what string) {
	code := 0
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		code = ended.ExitCode()
	case err != nil:
		ts.Fatalf("%s: %v", what, err)
	}
	if code != want {
		ts.Fatalf("%s: exit %d, want %d", what, code, want)
	}
	if stderr := ts.ReadFile("stderr"); strings.Contains(stderr, "goroutine ") {
		ts.Fatalf("%s: it panicked", what)
	}
}

// process is a command that runs while the script continues.
type process struct {
	cmd      *exec.Cmd
	out, err string // files
	ended    chan struct{}
	result   error // of Wait, after ended
}

func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || args[1] != "skein" {
		ts.Fatalf("usage: start NAME skein ARGS")
	}
	s := scriptStateOf(ts)
	if s.processes[args[0]] != nil {
		ts.Fatalf("there is a process %s", args[0])
	}
	p := &process{cmd: exec.Command(skeintest.Binary(s.tb), args[2:]...), ended: make(chan struct{})}
	p.out, p.err = ts.MkAbs(args[0]+".out"), ts.MkAbs(args[0]+".err")
	stdout, err := os.Create(p.out)
	ts.Check(err)
	defer stdout.Close()
	stderr, err := os.Create(p.err)
	ts.Check(err)
	defer stderr.Close()
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = ts.MkAbs("."), stdout, stderr
	for _, name := range []string{"HOME", "PATH", "TMPDIR", "URL"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(p.cmd.Start())
	s.processes[args[0]] = p
	go func() {
		p.result = p.cmd.Wait()
		close(p.ended)
	}()
}

func (s *scriptState) process(ts *testscript.TestScript, name string) *process {
	p := s.processes[name]
	if p == nil {
		ts.Fatalf("there is no process %s", name)
	}
	return p
}

func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME TEXT")
	}
	p := scriptStateOf(ts).process(ts, args[0])
	deadline := time.After(waitLimit)
	for {
		select {
		case <-p.ended:
		case <-deadline:
		case <-time.After(5 * time.Millisecond):
			if !strings.Contains(ts.ReadFile(p.out)+ts.ReadFile(p.err), args[1]) {
				continue
			}
			return
		}
		if !strings.Contains(ts.ReadFile(p.out)+ts.ReadFile(p.err), args[1]) {
			ts.Fatalf("%s never said %q\n%s%s", args[0], args[1], ts.ReadFile(p.out), ts.ReadFile(p.err))
		}
		return
	}
}

func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}
	if neg || len(args) != 2 || signals[args[1]] == nil {
		ts.Fatalf("usage: signal NAME INT|TERM|KILL")
	}
	ts.Check(scriptStateOf(ts).process(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

func cmdEnd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: end NAME CODE")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	s := scriptStateOf(ts)
	p := s.process(ts, args[0])
	select {
	case <-p.ended:
	case <-time.After(waitLimit):
		ts.Fatalf("%s does not end\n%s%s", args[0], ts.ReadFile(p.out), ts.ReadFile(p.err))
	}
	delete(s.processes, args[0])
	ts.Check(ts.Exec("sh", "-c", `cat "$0"; cat "$1" >&2`, p.out, p.err)) // so that stdout and stderr are those of the process
	wantExitCode(ts, want, p.result, args[0])
}

// cmdExpand puts the values of $VARIABLES into files.
func cmdExpand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: expand FILE...")
	}
	for _, file := range args {
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(os.Expand(ts.ReadFile(file), ts.Getenv)), 0o600))
	}
}

// cmdReplace changes the text of a file, which must have it.
func cmdReplace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}
