package view_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

var start = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

// story is a rollout over n tenants of which the first failed fail by one cause each minute of the night.
func story(n, failed int) []rollout.Event {
	facts := []rollout.Fact{
		rollout.Started{Run: 1, Fleet: "acme", Kind: plan.KindUpgrade, Target: "heads", Width: 8, Waves: []rollout.WavePlanned{{Name: "all", Tenants: n}}},
		rollout.WaveStarted{Wave: "all"},
	}
	for i := range n {
		f := rollout.TenantFinished{
			Tenant: fmt.Sprintf("t%03d", i), Wave: "all", Outcome: plan.OutcomeDone, From: []string{"a1"}, To: []string{"b2"}, Steps: 1, Attempt: 1,
		}
		if i < failed {
			f.Outcome, f.To, f.Failure = plan.OutcomeFailed, []string{"a1"}, &plan.Failure{
				Class: engine.Data, SQLState: "23505", Revision: "b2", File: "b2_unique.sql", Line: 7,
				Statement: "CREATE UNIQUE INDEX users_email\n\tON users (email)", Message: "Key (email)=(ada) is duplicated", Hint: "repair the rows",
			}
		}
		facts = append(facts, f)
	}
	facts = append(facts, rollout.WaveFinished{Wave: "all"}, rollout.Ended{State: rollout.StateFinished})
	events := make([]rollout.Event, len(facts))
	for i, fact := range facts {
		events[i] = rollout.Event{Rollout: "r1", Seq: int64(i + 1), Time: start.Add(time.Duration(i) * 10 * time.Millisecond), Fact: fact}
	}
	return events
}

// show draws a story and returns what was written.
func show(v view.View, out *bytes.Buffer, events []rollout.Event) string {
	report := &rollout.Report{}
	for _, e := range events {
		v.Observe(e)
		report.Apply(e)
	}
	v.Close(report, view.ExitCode(report))
	return out.String()
}

func TestPlainShowsCausesAndNotEachTenant(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	text := show(view.NewPlain(&out, view.Options{Folder: "migrations"}), &out, story(500, 40))
	for _, want := range []string{
		"rollout r1: upgrade 500 tenants, target heads, at most 8 at once",
		"460 done, 40 failed of 500",
		"1 cause",
		"40 ×",
		"data · 23505 · revision b2 · migrations/b2_unique.sql:7",
		"CREATE UNIQUE INDEX users_email ON users (email)",
		"tenants: t000, t001, t002, t003, t004 and 35 more",
		"hint: repair the rows",
		"next:  skein rollout resume r1",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "failed t"); n != 10 {
		t.Errorf("%d lines about single failed tenants, want 10", n)
	}
	if strings.Contains(text, "\x1b[") {
		t.Error("colours where none were asked for")
	}
}

func TestJSONIsOneVersionManyEventsOneReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	lines := strings.Split(strings.TrimSpace(show(view.NewJSON(&out, "v1", view.Options{Folder: "migrations"}), &out, story(3, 1))), "\n")
	kinds := make([]string, 0, len(lines))
	var last map[string]any
	for i, line := range lines {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if last["seq"] != float64(i+1) || last["time"] == nil {
			t.Errorf("line %d has seq %v and time %v", i+1, last["seq"], last["time"])
		}
		kinds = append(kinds, last["kind"].(string))
	}
	if got, want := strings.Join(kinds, " "), "version rollout wave tenant tenant tenant wave rollout report"; got != want {
		t.Errorf("kinds are %q, want %q", got, want)
	}
	failed := last["failed"].([]any)[0].(map[string]any)
	if failed["tenant"] != "t000" || failed["file"] != "migrations/b2_unique.sql" || failed["line"] != float64(7) || failed["sqlstate"] != "23505" {
		t.Errorf("the failed tenant is %v", failed)
	}
	if last["exit"] != float64(2) || last["next"] != "skein rollout resume r1" {
		t.Errorf("the report is %v", last)
	}
}

func TestPartsOfOneStreamEndInOneReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	stream := view.NewJSON(&out, "v1", view.Options{})
	show(stream.Part(), &out, story(2, 1))
	show(stream.Part(), &out, story(2, 0))
	stream.End(0)
	if n := strings.Count(out.String(), `"kind":"report"`); n != 1 {
		t.Errorf("%d reports, want 1", n)
	}
	if !strings.Contains(out.String(), `"counts":{"done":2,"failed":0`) {
		t.Errorf("the report is not that of the last part:\n%s", out.String())
	}
}
