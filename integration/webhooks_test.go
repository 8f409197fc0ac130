package integration_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/skeintest"
)

// postbox is a server that keeps what webhooks are sent, by path.
type postbox struct {
	*httptest.Server
	t     testing.TB
	mu    sync.Mutex
	posts map[string][]string // bodies; guarded by mu
}

func newPostbox(t testing.TB) *postbox {
	t.Helper()
	b := &postbox{t: t, posts: map[string][]string{}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s %s of type %q: %v", r.Method, r.URL, r.Header.Get("Content-Type"), err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.posts[r.URL.Path] = append(b.posts[r.URL.Path], string(body))
	}))
	t.Cleanup(b.Close)
	return b
}

// empty returns what came by a path since the last time.
func (b *postbox) empty(path string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	posts := b.posts[path]
	b.posts[path] = nil
	return posts
}

// notice is the body of a webhook.
type notice struct {
	Format                                   int
	Occasion, Fleet, Rollout, Type, Target   string
	State, Wave, Verdict, Reason, Next, Text string
	Time                                     string
	Counts                                   map[string]int
}

// occasions decodes what came by /ops, and returns what each was about.
func (b *postbox) occasions() (about []string, all []notice) {
	b.t.Helper()
	for _, body := range b.empty("/ops") {
		var n notice
		if err := json.Unmarshal([]byte(body), &n); err != nil {
			b.t.Fatalf("%v in %s", err, body)
		}
		if n.Format != 1 || n.Fleet != "acme" || n.Rollout == "" || n.Target != "heads" || n.State == "" || n.Text == "" || n.Time == "" || n.Counts == nil {
			b.t.Errorf("it lacks something: %s", body)
		}
		about = append(about, strings.TrimSpace(n.Occasion+" "+n.Wave+" "+n.Verdict))
		all = append(all, n)
	}
	return about, all
}

// TestWebhooksGetTheirEvents follows two rollouts through their hooks: one for everything, one for some occasions in
// Slack's form.
func TestWebhooksGetTheirEvents(t *testing.T) {
	t.Parallel()
	box := newPostbox(t)
	f := newFleet(t, revision.SQLite, 6, inFiles(steps(1)), fmt.Sprintf(`
notify:
  - {webhook: %q, name: ops}
  - {webhook: {env: CHAT}, name: chat, format: slack, on: [halted, finished, aborted]}
rollout:
  waves:
    - {name: canary, size: 2, gate: {approval: true, exec: [sh, -c, "echo 'load < 1 & falling'; test ! -e broken"]}}
`, box.URL+"/ops"))
	f.Env = append(f.Env, "CHAT="+box.URL+"/services/T0/B0/secret")

	p := f.start("upgrade", "--json")
	p.comes(skeintest.Event{"kind": "gate", "state": "waiting"})
	f.Must(0, "rollout", "approve", "--reason", "looks good")
	r := p.end()
	r.Want(0)
	about, all := box.occasions()
	if diff := cmp.Diff([]string{"started", "approval canary", "gate canary pass", "finished"}, about); diff != "" {
		t.Fatalf("what ops got (-want +got):\n%s", diff)
	}
	end := all[3]
	if end.Rollout != r.Report().Rollout || end.State != "finished" || end.Counts["done"] != 6 || end.Type != "upgrade" {
		t.Errorf("the end is reported as %+v", end)
	}
	wantText(t, "what is to be done about the approval", all[1].Next+" "+all[1].Text, "rollout approve")
	wantSlackMessage(t, box, "finished", "acme", "6")

	// Interrupted while it waits, and given up after it was resumed.
	f.Write("migrations/r002_step.sql", string(inFiles(steps(2))["r002_step.sql"].Data))
	p = f.start("upgrade", "--json")
	p.comes(skeintest.Event{"kind": "gate", "state": "waiting"})
	p.Signal(os.Interrupt)
	p.end().Want(130)
	about, _ = box.occasions()
	if diff := cmp.Diff([]string{"started", "approval canary", "interrupted canary"}, about); diff != "" {
		t.Errorf("what ops got of the interrupted one (-want +got):\n%s", diff)
	}
	p = f.start("rollout", "resume", "--json")
	p.comes(skeintest.Event{"kind": "gate", "state": "waiting"})
	f.Must(0, "rollout", "abort", "--reason", "not today")
	p.end().Want(3)
	about, _ = box.occasions()
	if diff := cmp.Diff([]string{"started", "approval canary", "aborted canary"}, about); diff != "" {
		t.Errorf("what ops got of the aborted one (-want +got):\n%s", diff)
	}
	wantSlackMessage(t, box, "aborted", "not today")

	// A gate that fails. What Slack would take for a link or a mention is escaped.
	f.Write("broken", "")
	r = f.Must(3, "upgrade", "--json")
	about, all = box.occasions()
	if diff := cmp.Diff([]string{"started", "gate canary fail", "halted canary"}, about); diff != "" {
		t.Fatalf("what ops got of the halted one (-want +got):\n%s", diff)
	}
	if all[2].Reason != r.Report().Reason || !strings.Contains(all[2].Reason, "load < 1 & falling") {
		t.Errorf("the reason is %q, want %q", all[2].Reason, r.Report().Reason)
	}
	wantSlackMessage(t, box, "halted", "load &lt; 1 &amp; falling")
}

// TestWebhooksGetAnAbortThatNoProcessAcknowledges gives up rollouts whose processes have ended, in every state.
func TestWebhooksGetAnAbortThatNoProcessAcknowledges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, gate string
		do         func(f *testFleet) // brings the rollout to a stop
	}{
		{"halted", "exec: [sh, -c, exit 1]", func(f *testFleet) { f.Must(3, "upgrade") }},
		{"paused", "exec: [sh, -c, exit 75], inconclusive: 0", func(f *testFleet) { f.Must(3, "upgrade") }},
		{"waiting", "approval: true", func(f *testFleet) { f.Must(3, "upgrade", "--no-wait") }},
		{"interrupted", "approval: true", func(f *testFleet) {
			p := f.start("upgrade", "--json")
			p.comes(skeintest.Event{"kind": "gate", "state": "waiting"})
			p.Signal(os.Interrupt)
			p.end().Want(130)
		}},
		{"killed", "bake: 1h", func(f *testFleet) {
			p := f.start("upgrade", "--json")
			p.comes(skeintest.Event{"kind": "gate", "state": "closed"})
			p.Signal(os.Kill)
			p.end()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			box := newPostbox(t)
			f := newFleet(t, revision.SQLite, 4, inFiles(steps(1)), fmt.Sprintf(
				"notify: [{webhook: %q}]\nrollout: {waves: [{name: canary, size: 2, gate: {%s}}]}\n", box.URL+"/ops", c.gate))
			c.do(f)
			box.occasions()
			f.Must(0, "rollout", "abort", "--reason", "not today")
			about, all := box.occasions()
			if diff := cmp.Diff([]string{"aborted canary"}, about); diff != "" {
				t.Fatalf("what ops got (-want +got):\n%s", diff)
			}
			if n := all[0]; n.State != "aborted" || !strings.Contains(n.Reason, "not today") || n.Counts["done"] != 2 || !strings.Contains(n.Next, "rollout rollback") {
				t.Errorf("it is reported as %+v", n)
			}
		})
	}
}

// wantSlackMessage fails the test unless one message came in Slack's form and has these parts.
func wantSlackMessage(t *testing.T, box *postbox, parts ...string) {
	t.Helper()
	posts := box.empty("/services/T0/B0/secret")
	if len(posts) != 1 {
		t.Fatalf("%d messages in Slack's form, want 1: %q", len(posts), posts)
	}
	var message map[string]string
	if err := json.Unmarshal([]byte(posts[0]), &message); err != nil || len(message) != 1 {
		t.Fatalf("%v in %s", err, posts[0])
	}
	wantText(t, "the message for Slack", message["text"], parts...)
	if strings.ContainsAny(message["text"], "<>") {
		t.Errorf("it is not escaped: %q", message["text"])
	}
}

// TestWebhooksHaveNoValuesOfRows lets a revision fail over a row, whose values the server's message has.
func TestWebhooksHaveNoValuesOfRows(t *testing.T) {
	t.Parallel()
	box := newPostbox(t)
	f := newFleet(t, revision.Postgres, 4, revisionsThatSomeFail(), fmt.Sprintf("notify: [{webhook: %q}, {webhook: %q, format: slack}]\n", box.URL+"/ops", box.URL+"/services/T0/B0/secret"))
	f.Must(0, "upgrade", "u1")
	box.empty("/ops")
	box.empty("/services/T0/B0/secret")
	for _, id := range f.ids {
		f.backend.exec(id, "INSERT INTO users VALUES (2, 'eve@example.org'), (3, 'eve@example.org')")
	}
	r := f.Must(3, "upgrade", "--json")
	if !strings.Contains(r.Stdout+r.Stderr, "users_email") {
		t.Fatalf("it fails for another reason:\n%s", tailOf(r.Stdout))
	}
	posts := append(box.empty("/ops"), box.empty("/services/T0/B0/secret")...)
	if len(posts) != 4 {
		t.Errorf("%d messages, want 4: %q", len(posts), posts)
	}
	for _, body := range posts {
		if strings.Contains(body, "eve@example.org") {
			t.Errorf("it has values of a row: %s", body)
		}
	}
}

// TestBadWebhooksHarmNothing runs rollouts whose hooks hang, answer with an error, are not there, or have no URL.
func TestBadWebhooksHarmNothing(t *testing.T) {
	t.Parallel()
	free := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/hang") {
			<-free
		}
		http.Error(w, "no", http.StatusInternalServerError)
	}))
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(free) })
	hooks := fmt.Sprintf("notify:\n  - {webhook: %q, name: hanging}\n  - {webhook: %q, name: broken}\n  - {webhook: %q, name: absent}\n",
		server.URL+"/hang/token-1", server.URL+"/500/token-2", closed.URL+"/token-3")

	for _, test := range []struct {
		name   string
		spoil  bool
		code   int
		state  string
		counts map[string]int
	}{
		{"a rollout that succeeds", false, 0, "finished", map[string]int{"done": 5}},
		{"a rollout that fails for one", true, 2, "finished", map[string]int{"done": 4, "failed": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, revision.SQLite, 5, revisionsThatSomeFail(), hooks)
			f.Must(0, "upgrade", "u1", "-c", f.plain())
			if test.spoil {
				f.backend.exec(f.ids[2], "CREATE TABLE ages (id integer)")
			}
			r := f.Must(test.code, "upgrade", "--max-failures", "1", "--json")
			wantCounts(t, r.Report(), test.counts)
			if r.Report().State != test.state {
				t.Errorf("the rollout is %s", r.Report().State)
			}
			wantText(t, "stderr", r.Stderr, "hanging", "broken", "absent")
			if strings.Contains(r.Stderr+r.Stdout, "token-") {
				t.Errorf("it has the URL of a hook:\n%s", r.Stderr)
			}
		})
	}
}
