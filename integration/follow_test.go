package integration_test

import (
	"encoding/json"
	"fmt"
	"os"
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

// comes waits until n lines of the stream have these values. It fails the test when the process ends before.
func (r *running) comes(n int, want skeintest.Event) {
	r.t.Helper()
	deadline := time.Now().Add(utmost)
	for ended := false; ; {
		found := 0
		for _, e := range r.soFar() {
			if has(e, want) {
				found++
			}
		}
		switch {
		case found >= n:
			return
		case ended:
			r.t.Fatalf("skein ended with %d before %d lines were like %v\nstdout:\n%s\nstderr:\n%s", r.result.Code, n, want, last(r.result.Stdout), last(r.result.Stderr))
		case time.Now().After(deadline):
			r.Signal(os.Kill)
			<-r.ended
			r.t.Fatalf("%d lines like %v, want %d\nstdout:\n%s\nstderr:\n%s", found, want, n, last(r.result.Stdout), last(r.result.Stderr))
		}
		select {
		case <-r.ended:
			ended = true
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// has reports whether an event has all of these values.
func has(e, want skeintest.Event) bool {
	for key, value := range want {
		if fmt.Sprint(e[key]) != fmt.Sprint(value) {
			return false
		}
	}
	return true
}

// doors is the gate of a wave that stays closed until the test opens it: a check cannot tell before there is a
// file.
func doors(wave string) string {
	return fmt.Sprintf(`{interval: 1s, inconclusive: 100000, exec: [sh, -c, "test -e %s.open || exit 75"]}`, wave)
}

// atDoor waits until the gate of a wave with doors is asked.
func (r *running) atDoor(wave string) {
	r.t.Helper()
	r.comes(1, skeintest.Event{"kind": "gate", "wave": wave, "state": "closed"})
}

// openDoor lets the rollout pass the gate of a wave.
func openDoor(t testing.TB, p *skeintest.Project, wave string) {
	t.Helper()
	p.Write(wave+".open", "")
}

// rollouts is what `rollout list --json` prints.
func rollouts(p *skeintest.Project) string { return p.Must(0, "rollout", "list", "--json").Stdout }
