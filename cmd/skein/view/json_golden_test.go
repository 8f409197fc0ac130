package view_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files")

// The golden files have every key of the stream and of the documents; docs/cli.md describes them.
func TestJSONOfEachFact(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	v := view.NewJSON(&out, "v1", view.Options{})
	v.Note("before")
	for _, e := range storetest.Events("r1", 1, append(storetest.Facts(), withNotice())...) {
		e.Time = start
		v.Observe(e)
	}
	wantGolden(t, "facts.jsonl", out.String())
}

func TestJSONOfReports(t *testing.T) {
	t.Parallel()
	events := gated()
	waiting := events[:9]
	failing := storetest.Events("r1", 1, append(storetest.Facts(), withNotice())...)
	rehearsal := &orchestrator.Rehearsal{
		Of:      9,
		Locks:   []orchestrator.Lock{{Object: "t.orders", Mode: "AccessExclusiveLock", Longest: 1500 * time.Microsecond, Tenant: "t1", Tenants: 2}},
		Untried: []orchestrator.Untried{{Revision: "a1", Why: "it is no-transaction"}},
	}
	for name, test := range map[string]struct {
		events []rollout.Event
		opts   view.Options
	}{
		"finished": {events: events}, "waiting": {events: waiting, opts: view.Options{Next: "skein rollout resume r1"}},
		"failing": {events: failing}, "empty": {}, "rehearsed": {events: events, opts: view.Options{Rehearsal: rehearsal}},
		"running": {events: storetest.Events("r1", 1, running()...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &rollout.Report{}
			for _, e := range test.events {
				e.Time = start
				r.Apply(e)
			}
			var out bytes.Buffer
			enc := json.NewEncoder(&out)
			if err := enc.Encode(view.ReportJSON(r, 2, test.opts)); err != nil {
				t.Fatal(err)
			}
			if err := enc.Encode(view.WavesJSON(r)); err != nil {
				t.Fatal(err)
			}
			wantGolden(t, "report_"+name+".jsonl", out.String())
		})
	}
}

// running is a rollout with a tenant that waits for a session.
func running() []rollout.Fact {
	return []rollout.Fact{
		rollout.Started{Run: 1, Fleet: "acme", Kind: plan.KindUpgrade, Target: "heads", Width: 8, Waves: []rollout.WavePlanned{{Name: "all", Tenants: 2}}},
		rollout.WaveStarted{Wave: "all"},
		rollout.TenantsDispatched{Tenants: []string{"t1", "t2"}},
		rollout.TenantStarted{Tenant: "t1", Attempt: 1, From: []string{"a1"}},
		rollout.TenantsRunning{Tenants: []string{"t1"}},
		rollout.TenantsWaiting{Server: "main", Waits: []rollout.TenantWait{{Tenant: "t1", For: []engine.Holder{
			{PID: 7, Application: "app", User: "ada", State: "active", Query: "SELECT 1", Age: time.Second},
		}}}},
	}
}

// withNotice is a tenant that failed with a context, and notices of its server.
func withNotice() rollout.Fact {
	return rollout.TenantFinished{
		Tenant: "n1", Wave: "all", Outcome: plan.OutcomeFailed, Attempt: 1,
		Failure: &plan.Failure{Class: engine.Data, Message: "no", Context: "in a function", Revision: "a1", File: "a1_x.sql", Line: 3, Statement: "1", SQLState: "23505", Cause: "c1"},
		Notices: []rollout.Notice{{Severity: "WARNING", SQLState: "01000", Message: "3 rows skipped", Revision: "a1", File: "a1_x.sql", Line: 3}},
	}
}

// wantGolden compares lines of JSON with a golden file, whose keys are sorted.
func wantGolden(t *testing.T, file, text string) {
	t.Helper()
	var sorted strings.Builder
	for line := range strings.Lines(text) {
		var doc any
		if err := json.Unmarshal([]byte(line), &doc); err != nil {
			t.Fatal(err)
		}
		if lineOf, ok := doc.(map[string]any); ok && lineOf["seq"] != nil {
			switch lineOf["kind"] {
			case "version", "warning": // may be written before the first fact, by the clock
				delete(lineOf, "time")
			}
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		sorted.Write(append(b, '\n'))
	}
	name := filepath.Join("testdata", "json", file)
	if *update {
		if err := os.WriteFile(name, []byte(sorted.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), sorted.String()); diff != "" {
		t.Errorf("%s: -want +got\n%s", name, diff)
	}
}
