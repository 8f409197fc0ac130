package integration_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/integration/skeintest"
)

// soFar are the lines of the stream that are there already.
func (r *running) soFar() []skeintest.Event {
	r.t.Helper()
	text := r.Stdout()
	text = text[:strings.LastIndexByte(text, '\n')+1] // the last line may be on its way
	var events []skeintest.Event
	for line := range strings.Lines(text) {
		var e skeintest.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			r.t.Fatalf("%v in line %q", err, line)
		}
		events = append(events, e)
	}
	return events
}

// comes waits until a line of the stream has these values. It fails the test when the process ends before.
func (r *running) comes(want skeintest.Event) {
	r.t.Helper()
	deadline := time.Now().Add(utmost)
	for ended := false; ; {
		switch {
		case slices.ContainsFunc(r.soFar(), func(e skeintest.Event) bool { return hasValues(e, want) }):
			return
		case ended:
			r.t.Fatalf("skein ended with %d before a line was like %v\nstdout:\n%s\nstderr:\n%s", r.result.Code, want, tailOf(r.result.Stdout), tailOf(r.result.Stderr))
		case time.Now().After(deadline):
			r.Signal(os.Kill)
			<-r.ended
			r.t.Fatalf("no line is like %v\nstdout:\n%s\nstderr:\n%s", want, tailOf(r.result.Stdout), tailOf(r.result.Stderr))
		}
		select {
		case <-r.ended:
			ended = true
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// hasValues reports whether an event has all of these values.
func hasValues(e, want skeintest.Event) bool {
	for key, value := range want {
		if fmt.Sprint(e[key]) != fmt.Sprint(value) {
			return false
		}
	}
	return true
}

// gatesOnFiles is the gate of a wave that stays closed until the test opens it: a check is inconclusive before there is a
// file.
func gatesOnFiles(wave string) string {
	return fmt.Sprintf(`{interval: 1s, inconclusive: 100000, exec: [sh, -c, "test -e %s.open || exit 75"]}`, wave)
}

// atDoor waits until the gate of a wave with doors is asked.
func (r *running) atDoor(wave string) {
	r.t.Helper()
	r.comes(skeintest.Event{"kind": "gate", "wave": wave, "state": "closed"})
}

// openDoor lets the rollout pass the gate of a wave.
func openDoor(t testing.TB, p *skeintest.Project, wave string) {
	t.Helper()
	p.Write(wave+".open", "")
}

// listRollouts is what `rollout list --json` prints.
func listRollouts(p *skeintest.Project) string { return p.Must(0, "rollout", "list", "--json").Stdout }
