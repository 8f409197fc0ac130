package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/notify"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

var epoch = time.Date(2026, 11, 23, 10, 0, 0, 123456000, time.UTC)

// wire is a network without sockets: answers by host and path, and a note of what was sent.
type wire struct {
	answer func(r *http.Request, try int) (*http.Response, error) // nil = 200

	mu   sync.Mutex
	sent []posted
}

type posted struct {
	url  string
	body string
	at   time.Time
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.sent = append(w.sent, posted{r.URL.String(), string(body), time.Now()})
	try := len(w.sent)
	w.mu.Unlock()
	if w.answer != nil {
		return w.answer(r, try)
	}
	return status(200, ""), nil
}

// all is what was sent so far.
func (w *wire) all() []posted {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sent)
}

func (w *wire) bodies() []string {
	var all []string
	for _, p := range w.all() {
		all = append(all, p.body)
	}
	return all
}

func status(code int, body string) *http.Response {
	return &http.Response{StatusCode: code, Status: "x", Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func hang(r *http.Request, _ int) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func url(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}

const secret = "https://ann:sesame@hooks.example/services/T0/B0/swordfish?key=hunter2"

// events numbers facts; ticks have no number.
func events(facts ...rollout.Fact) []rollout.Event {
	var all []rollout.Event
	seq := int64(0)
	for i, f := range facts {
		e := rollout.Event{Rollout: "r1", Time: epoch.Add(time.Duration(i) * time.Second), Fact: f}
		if _, tick := f.(rollout.TenantStarted); !tick {
			seq++
			e.Seq = seq
		}
		all = append(all, e)
	}
	return all
}

func started(run int) rollout.Started {
	return rollout.Started{
		Run: run, Fleet: "acme", Kind: plan.KindUpgrade, Target: "heads", User: "ann", Host: "h",
		Waves: []rollout.WavePlanned{{Name: "canary", Tenants: 2}, {Name: "rest", Tenants: 3}},
	}
}

func finished(id, wave string, o plan.Outcome) rollout.TenantFinished {
	f := rollout.TenantFinished{Tenant: id, Wave: wave, Outcome: o, Attempt: 1}
	if o == plan.OutcomeFailed {
		f.Failure = &plan.Failure{
			Class: engine.Data, SQLState: "23505", Revision: "b2", File: "b2_key.sql", Line: 7,
			Message:  fmt.Sprintf("could not create index \"%s_key\": Key (email)=(%s@example.com) is duplicated.", id, id),
			Redacted: "ERROR 23505 unique_violation: table users, constraint users_email_key", Cause: "c0ffee",
		}
	}
	return f
}

// everyOccasion returns the events of a rollout that has each occasion but Finished.
func everyOccasion() []rollout.Event {
	return events(
		started(1),
		rollout.WaveStarted{Wave: "canary"},
		rollout.TenantsDispatched{Tenants: []string{"a", "b"}},
		rollout.TenantStarted{Tenant: "a", Attempt: 1},
		finished("a", "canary", plan.OutcomeDone),
		finished("b", "canary", plan.OutcomeDone),
		rollout.GateClosed{Wave: "canary", Until: epoch, Checks: []string{"rows"}, Approval: true},
		rollout.GateMeasured{Wave: "canary", Check: "rows", Verdict: plan.VerdictPass},
		rollout.ApprovalAwaited{Wave: "canary"},
		rollout.GateSettled{Wave: "canary", Verdict: plan.VerdictPass, Reason: "approved by bob"},
		rollout.WaveFinished{Wave: "canary"},
		rollout.WaveStarted{Wave: "rest"},
		finished("c", "rest", plan.OutcomeFailed),
		finished("d", "rest", plan.OutcomeFailed),
		rollout.Ended{State: rollout.StateHalted, Reason: "2 tenants failed, more than 1\n(max_failures)."},
	)
}

// deliver shows events to a notifier in a bubble of synctest. The hooks write to w; the warnings are returned.
func deliver(t *testing.T, w *wire, hooks []notify.Hook, cfg notify.Config, all []rollout.Event) (warnings []string) {
	t.Helper()
	var mu sync.Mutex
	cfg.Client = &http.Client{Transport: w}
	cfg.Command = func(n rollout.Next) string {
		if n.IsZero() {
			return ""
		}
		return "skein rollout " + string(n.Action) + " " + n.Rollout
	}
	cfg.Warn = func(message string) {
		mu.Lock()
		defer mu.Unlock()
		warnings = append(warnings, message)
	}
	n := notify.New(hooks, cfg)
	begin := time.Now()
	for _, e := range all {
		n.Observe(e)
	}
	if took := time.Since(begin); took > 0 {
		t.Errorf("Observe waited for %s", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second) // before the bounds of ten seconds, lest two end at once
	defer cancel()
	n.Close(ctx)
	if took := time.Since(begin); took > 9*time.Second {
		t.Errorf("Close took %s", took)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, message := range warnings {
		for _, word := range []string{"sesame", "swordfish", "hunter2", "T0"} {
			if strings.Contains(message, word) {
				t.Errorf("the warning holds a secret: %s", message)
			}
		}
	}
	return warnings
}

func TestEachOccasionIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		if warnings := deliver(t, w, []notify.Hook{{URL: url(secret)}}, notify.Config{}, everyOccasion()); warnings != nil {
			t.Error(warnings)
		}
		type object = map[string]any
		common := object{"format": 1.0, "fleet": "acme", "rollout": "r1", "type": "upgrade", "target": "heads", "verdict": "", "reason": "", "next": "", "wave": ""}
		var want []object
		for _, o := range []object{
			{
				"occasion": "started", "state": "running", "counts": object{"pending": 5.0}, "time": "2026-11-23T10:00:00.123456Z",
				"text": "skein: upgrade of acme to heads started by ann: 5 tenants in 2 waves (canary 2, rest 3). Rollout r1.",
			},
			{
				"occasion": "approval", "state": "waiting", "wave": "canary", "counts": object{"done": 2.0, "pending": 3.0},
				"next": "skein rollout approve r1", "time": "2026-11-23T10:00:08.123456Z",
				"text": "skein: upgrade of acme to heads waits for an approval after wave canary. Next: skein rollout approve r1",
			},
			{
				"occasion": "gate", "state": "running", "wave": "canary", "verdict": "pass", "reason": "approved by bob",
				"counts": object{"done": 2.0, "pending": 3.0}, "time": "2026-11-23T10:00:09.123456Z",
				"text": "skein: upgrade of acme to heads – the gate of wave canary passed: approved by bob. Rollout r1.",
			},
			{
				"occasion": "halted", "state": "halted", "wave": "rest", "reason": "2 tenants failed, more than 1 (max_failures).",
				"counts": object{"done": 2.0, "failed": 2.0, "pending": 1.0}, "next": "skein rollout resume r1", "time": "2026-11-23T10:00:14.123456Z",
				"text": "skein: upgrade of acme to heads is halted in wave rest: 2 tenants failed, more than 1 (max_failures). 2 done, 2 failed, 1 pending. " +
					"2 failed in b2 b2_key.sql:7: ERROR 23505 unique_violation: table users, constraint users_email_key. Next: skein rollout resume r1",
			},
		} {
			for key, value := range common {
				if _, ok := o[key]; !ok {
					o[key] = value
				}
			}
			want = append(want, o)
		}
		var got []object
		for _, body := range w.bodies() {
			var o object
			if err := json.Unmarshal([]byte(body), &o); err != nil {
				t.Fatal(err)
			}
			got = append(got, o)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// texts returns what a hook in Slack's format gets.
func texts(t *testing.T, w *wire) []string {
	t.Helper()
	var all []string
	for _, body := range w.bodies() {
		var o map[string]string
		if err := json.Unmarshal([]byte(body), &o); err != nil || len(o) != 1 {
			t.Fatalf("%v in %s", err, body)
		}
		all = append(all, o["text"])
	}
	return all
}

func TestMessagesOfEndedRollouts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		facts []rollout.Fact
		want  []string
	}{
		{"paused", []rollout.Fact{rollout.Ended{State: rollout.StatePaused, Reason: "bob paused it: lunch"}}, []string{
			"skein: upgrade of acme to heads is paused in wave canary: bob paused it: lunch. 5 pending. Next: skein rollout resume r1",
		}},
		{"interrupted", []rollout.Fact{rollout.Ended{State: rollout.StateInterrupted}}, []string{
			"skein: upgrade of acme to heads was interrupted in wave canary. 5 pending. Next: skein rollout resume r1",
		}},
		{"aborted", []rollout.Fact{rollout.Ended{State: rollout.StateAborted, Reason: "by bob"}}, []string{
			"skein: upgrade of acme to heads was aborted in wave canary: by bob. 5 pending. Rollout r1.",
		}},
		{"finished", []rollout.Fact{finished("a", "canary", plan.OutcomeSkipped), finished("b", "canary", plan.OutcomeUnchanged),
			finished("c", "rest", plan.OutcomeDone), finished("d", "rest", plan.OutcomeDone), finished("e", "rest", plan.OutcomeDone), rollout.Ended{State: rollout.StateFinished}}, []string{
			"skein: upgrade of acme to heads is finished. 3 done, 1 unchanged, 1 skipped. Rollout r1.",
		}},
		{"gate failed", []rollout.Fact{rollout.GateSettled{Wave: "canary", Verdict: plan.VerdictFail, Reason: "rows: 2 of 2 tenants: got 0, want > 0: a, b"}}, []string{
			"skein: upgrade of acme to heads – the gate of wave canary failed: rows: 2 of 2 tenants: got 0, want &gt; 0: a, b. Rollout r1.",
		}},
		{"gate inconclusive", []rollout.Fact{rollout.GateSettled{Wave: "canary", Verdict: plan.VerdictInconclusive, Reason: "<!channel> & co"}}, []string{
			"skein: upgrade of acme to heads – the gate of wave canary is inconclusive: &lt;!channel&gt; &amp; co. Rollout r1.",
		}},
		{"ends while it waits", []rollout.Fact{rollout.ApprovalAwaited{Wave: "canary"}, rollout.Ended{State: rollout.StateWaiting}}, []string{
			"skein: upgrade of acme to heads waits for an approval after wave canary. Next: skein rollout approve r1",
		}},
		{"ends where an earlier run waited", []rollout.Fact{rollout.Ended{State: rollout.StateWaiting}}, []string{
			"skein: upgrade of acme to heads waits for an approval after wave canary. Next: skein rollout approve r1",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &wire{}
				all := events(append([]rollout.Fact{started(1), rollout.WaveStarted{Wave: "canary"}}, test.facts...)...)
				deliver(t, w, []notify.Hook{{URL: url(secret), Format: notify.Slack}}, notify.Config{}, all)
				if diff := cmp.Diff(test.want, texts(t, w)[1:]); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestOtherKindsAndManyCauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		facts := []rollout.Fact{
			rollout.Started{Run: 1, Fleet: "acme", Kind: plan.KindRollback, Target: "r0", Waves: []rollout.WavePlanned{{Name: "all", Tenants: 5}}},
		}
		for i, message := range []string{"one", "two", "three", "four", "five"} {
			facts = append(facts, rollout.TenantFinished{
				Tenant: fmt.Sprint("t", i), Wave: "all", Outcome: plan.OutcomeFailed, Failure: &plan.Failure{Message: strings.Repeat(message+" ", 200)},
			})
		}
		facts = append(facts, rollout.Ended{State: rollout.StateFinished})
		deliver(t, w, []notify.Hook{{URL: url(secret), Format: notify.Slack}}, notify.Config{}, events(facts...))
		got := texts(t, w)
		if want := "skein: rollback of r0, fleet acme, started by an unknown user: 5 tenants. Rollout r1."; got[0] != want {
			t.Errorf("got  %s\nwant %s", got[0], want)
		}
		if end := got[1]; !strings.HasPrefix(end, "skein: rollback of r0, fleet acme, is finished. 5 failed. 1 failed: one one") ||
			!strings.HasSuffix(end, ". There are 2 other causes. Next: skein rollout resume r1") || strings.Count(end, "1 failed: ") != 3 || len(end) > 1200 {
			t.Errorf("%d bytes: %s", len(end), end)
		}
	})
}

func TestSlackFormat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		deliver(t, w, []notify.Hook{{URL: url(secret), Format: notify.Slack, On: []notify.Occasion{notify.Halted}}}, notify.Config{}, everyOccasion())
		want := []string{`{"text":"skein: upgrade of acme to heads is halted in wave rest: 2 tenants failed, more than 1 (max_failures). ` +
			`2 done, 2 failed, 1 pending. 2 failed in b2 b2_key.sql:7: ERROR 23505 unique_violation: table users, constraint users_email_key. Next: skein rollout resume r1"}` + "\n"}
		if diff := cmp.Diff(want, w.bodies()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if w.all()[0].url != secret {
			t.Errorf("sent to %s", w.all()[0].url)
		}
	})
}

func TestHooksGetTheirOccasions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		deliver(t, w, []notify.Hook{
			{URL: url("https://h/ends"), On: []notify.Occasion{notify.Halted, notify.Finished}},
			{URL: url("https://h/gates"), On: []notify.Occasion{notify.Approval, notify.Gate}},
			{URL: url("https://h/none"), On: []notify.Occasion{notify.Finished}},
			{URL: url("https://h/all"), On: notify.Occasions()},
		}, notify.Config{}, everyOccasion())
		got := map[string][]string{}
		for _, p := range w.all() {
			var m struct{ Occasion string }
			if err := json.Unmarshal([]byte(p.body), &m); err != nil {
				t.Fatal(err)
			}
			got[p.url] = append(got[p.url], m.Occasion)
		}
		want := map[string][]string{
			"https://h/ends": {"halted"}, "https://h/gates": {"approval", "gate"}, "https://h/all": {"started", "approval", "gate", "halted"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestResumedRolloutSendsOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		earlier := everyOccasion()
		next := earlier[len(earlier)-1].Seq
		later := slices.Clone(earlier[4:]) // shown again, by whatever mistake
		for _, f := range []rollout.Fact{
			started(2), rollout.WaveStarted{Wave: "rest"}, finished("c", "rest", plan.OutcomeDone), finished("d", "rest", plan.OutcomeDone),
			finished("e", "rest", plan.OutcomeDone), rollout.Ended{State: rollout.StateFinished},
		} {
			next++
			later = append(later, rollout.Event{Rollout: "r1", Seq: next, Time: epoch.Add(time.Hour), Fact: f})
		}
		deliver(t, w, []notify.Hook{{URL: url(secret), Format: notify.Slack}}, notify.Config{Earlier: earlier}, later)
		want := []string{
			"skein: upgrade of acme to heads resumed, run 2 by ann. 2 done, 2 failed, 1 pending. Rollout r1.",
			"skein: upgrade of acme to heads is finished. 5 done. Rollout r1.",
		}
		if diff := cmp.Diff(want, texts(t, w)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestFailingHookIsTriedAgain(t *testing.T) {
	t.Parallel()
	refused := errors.New("dial tcp 192.0.2.1:443: connect: connection refused")
	for _, test := range []struct {
		name    string
		answer  func(*http.Request, int) (*http.Response, error)
		at      []time.Duration // of the tries
		warning string
	}{
		{"well", nil, []time.Duration{0}, ""},
		{"500 for ever", func(*http.Request, int) (*http.Response, error) { return status(500, "swordfish"), nil },
			[]time.Duration{0, time.Second, 4 * time.Second}, `webhook ops did not receive "started": 500 Internal Server Error (3 tries)`},
		{"500 once", func(_ *http.Request, try int) (*http.Response, error) {
			return status(map[bool]int{true: 503, false: 204}[try == 1], ""), nil
		}, []time.Duration{0, time.Second}, ""},
		{"refused", func(*http.Request, int) (*http.Response, error) { return nil, refused },
			[]time.Duration{0, time.Second, 4 * time.Second}, `webhook ops did not receive "started": ` + refused.Error() + ` (3 tries)`},
		{"too many", func(_ *http.Request, try int) (*http.Response, error) {
			r := status(map[bool]int{true: 429, false: 200}[try == 1], "")
			r.Header.Set("Retry-After", "5")
			return r, nil
		}, []time.Duration{0, 5 * time.Second}, ""},
		{"asked to wait for a day", func(_ *http.Request, try int) (*http.Response, error) {
			r := status(503, "")
			r.Header.Set("Retry-After", "86400")
			return r, nil
		}, []time.Duration{0}, `webhook ops did not receive "started": 503 Service Unavailable; then there was no time left`},
		{"400 is final", func(*http.Request, int) (*http.Response, error) { return status(400, "invalid_payload\n"), nil },
			[]time.Duration{0}, `webhook ops did not receive "started": 400 Bad Request (invalid_payload)`},
		{"a page that quotes", func(*http.Request, int) (*http.Response, error) {
			return status(404, "Cannot POST /services/T0/B0/swordfish"), nil
		},
			[]time.Duration{0}, `webhook ops did not receive "started": 404 Not Found`},
		{"moved", func(*http.Request, int) (*http.Response, error) {
			r := status(302, "")
			r.Header.Set("Location", secret)
			return r, nil
		}, []time.Duration{0}, `webhook ops did not receive "started": 302 Found`},
		{"hangs", hang, []time.Duration{0}, `webhook ops did not receive "started": there was no time left`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, begin := &wire{answer: test.answer}, time.Now()
				got := deliver(t, w, []notify.Hook{{Name: "ops", URL: url(secret)}}, notify.Config{}, events(started(1)))
				var want []string
				if test.warning != "" {
					want = append(want, test.warning)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("warnings (-want +got):\n%s", diff)
				}
				var at []time.Duration
				for _, p := range w.all() {
					at = append(at, p.at.Sub(begin))
				}
				if diff := cmp.Diff(test.at, at); diff != "" {
					t.Errorf("tries (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestInvalidURLs(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(context.Context) (string, error){
		"webhook 1 did not receive \"started\": its URL: environment variable HOOK is not set": func(context.Context) (string, error) {
			return "", errors.New("environment variable HOOK is not set")
		},
		"webhook 1 did not receive \"started\": its URL is not of the form https://host/path": url("https://ann:swordfish/x@h/"),
		"webhook 1 did not receive \"started\": it has no URL":                                nil,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{}
			if diff := cmp.Diff([]string{name}, deliver(t, w, []notify.Hook{{URL: read}}, notify.Config{}, events(started(1)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(w.all()) > 0 {
				t.Errorf("sent %v", w.all())
			}
		})
	}
}

// A hook that hangs gives up after ten seconds a try while the rollout runs, and delays nothing.
func TestHangingHookDelaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: func(r *http.Request, try int) (*http.Response, error) {
			if r.URL.Host == "hung" {
				return hang(r, try)
			}
			return status(200, ""), nil
		}}
		begin := time.Now()
		var warnings []string
		n := notify.New([]notify.Hook{{Name: "hung", URL: url("https://hung/")}, {URL: url("https://fine/")}},
			notify.Config{Client: &http.Client{Transport: w}, Warn: func(m string) { warnings = append(warnings, m) }})
		for _, e := range everyOccasion() {
			n.Observe(e)
		}
		synctest.Wait()
		fine := 0
		for _, p := range w.all() {
			if p.url == "https://fine/" {
				fine++
			}
		}
		if fine != 4 || time.Since(begin) > 0 {
			t.Errorf("%d of 4 messages after %s", fine, time.Since(begin))
		}
		time.Sleep(34 * time.Second) // 10 s, 1 s, 10 s, 3 s, 10 s
		synctest.Wait()
		if want := `webhook hung did not receive "started": no answer within 10s (3 tries)`; len(warnings) != 1 || warnings[0] != want {
			t.Errorf("%q, want %q", warnings, want)
		}
		left := time.Now()
		n.Close(t.Context())
		if took := time.Since(left); took != 10*time.Second {
			t.Errorf("Close took %s, want 10 s", took)
		}
		if len(warnings) != 4 {
			t.Errorf("%q, want one for each of 4 messages", warnings)
		}
		n.Observe(rollout.Event{Rollout: "r1", Seq: 99, Time: epoch, Fact: rollout.Ended{State: rollout.StateFinished}})
		n.Close(t.Context())
		synctest.Wait()
		if got := len(w.all()); got != 3+4+1 {
			t.Errorf("%d requests, want 8: none after Close", got)
		}
	})
}

func TestCloseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		for name, hook := range map[string]notify.Hook{
			"hook that hangs":                 {URL: url("https://hung/")},
			"secret that ignores its context": {URL: func(context.Context) (string, error) { <-release; return "", errors.New("late") }},
		} {
			n := notify.New([]notify.Hook{hook}, notify.Config{Client: &http.Client{Transport: &wire{answer: hang}}})
			n.Observe(events(started(1))[0])
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			begin := time.Now()
			n.Close(ctx)
			cancel()
			if took := time.Since(begin); took > 4*time.Second {
				t.Errorf("%s: Close took %s", name, took)
			}
		}
		close(release)
	})
}
