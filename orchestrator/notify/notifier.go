package notify

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
)

// Config is what a Notifier needs besides its hooks. The zero value is fine.
type Config struct {
	Warn    func(message string) // called from other goroutines, one at a time; nil = no warnings
	Client  *http.Client         // nil = the default one; the time of a request is limited in any case
	Earlier []rollout.Event      // the rollout's facts of earlier runs; no messages are sent about them

	// Command is how messages say what to do next; nil = they do not.
	Command func(rollout.Next) string
}

// Notifier sends messages about a rollout to hooks. It is a [rollout.Observer]; its methods may be called from
// any goroutine.
type Notifier struct {
	ctx     context.Context // of the requests
	cancel  context.CancelFunc
	working sync.WaitGroup // the goroutines that send: at most one a hook, while it has something to send

	warning sync.Mutex // held while warn is called
	warn    func(string)

	command func(rollout.Next) string

	mu      sync.Mutex
	report  rollout.Report // guarded by mu
	awaited bool           // this run has sent a message about an approval; guarded by mu
	closed  bool           // guarded by mu
	senders []*sender      // their queue and busy are guarded by mu
}

var _ rollout.Observer = (*Notifier)(nil)

const (
	closeBound = 10 * time.Second // how long Close sends
	closeGrace = time.Second      // how long Close waits then for what was cut off
)

// New returns a Notifier of one rollout.
func New(hooks []Hook, cfg Config) *Notifier {
	n := &Notifier{warn: cfg.Warn, command: cfg.Command}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	for i, h := range hooks {
		n.senders = append(n.senders, newSender(h, h.title(i), cfg.Client))
	}
	for _, e := range cfg.Earlier {
		n.report.Apply(e)
	}
	return n
}

// Observe implements [rollout.Observer]. It never waits for a hook. A fact that is known already is no news.
func (n *Notifier) Observe(e rollout.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || !e.Tick() && e.Seq <= n.report.Seq {
		return
	}
	n.report.Apply(e)
	news, ok := n.occasion(e.Fact)
	if !ok {
		return
	}
	next := ""
	if n.command != nil {
		next = n.command(n.report.Next())
	}
	m := compose(&n.report, news, e.Time, next)
	for _, s := range n.senders {
		if !s.hook.wants(m.Occasion) {
			continue
		}
		s.queue = append(s.queue, m)
		if !s.busy {
			s.busy = true
			n.working.Go(func() { n.send(s) })
		}
	}
}

// occasion returns the news in a fact, which is folded already, and whether hooks get a message about it.
func (n *Notifier) occasion(fact rollout.Fact) (news, bool) {
	switch f := fact.(type) {
	case rollout.Started:
		n.awaited = false
		return news{occasion: Started}, true
	case rollout.GateSettled:
		return news{occasion: Gate, wave: f.Wave, verdict: f.Verdict, reason: cmp.Or(f.Redacted, f.Reason)}, true
	case rollout.ApprovalAwaited:
		n.awaited = true
		return news{occasion: Approval, wave: f.Wave}, true
	case rollout.Ended:
		o, ok := endings[f.State]
		if f.State == rollout.StateWaiting && n.awaited { // the message was sent when the waiting began
			return news{}, false
		}
		return news{occasion: o, wave: lastWave(&n.report), reason: cmp.Or(f.Redacted, f.Reason)}, ok
	}
	return news{}, false
}

var endings = map[rollout.State]Occasion{
	rollout.StatePaused: Paused, rollout.StateHalted: Halted, rollout.StateInterrupted: Interrupted,
	rollout.StateAborted: Aborted, rollout.StateFinished: Finished, rollout.StateWaiting: Approval,
}

// lastWave returns the wave that a run has reached; "" when it has finished all.
func lastWave(r *rollout.Report) string {
	if r.State == rollout.StateFinished {
		return ""
	}
	name := ""
	for i := range r.Waves {
		if r.Waves[i].Started {
			name = r.Waves[i].Name
		}
	}
	return name
}

// send delivers what a hook's queue holds, until it is empty.
func (n *Notifier) send(s *sender) {
	for {
		n.mu.Lock()
		if len(s.queue) == 0 {
			s.busy = false
			n.mu.Unlock()
			return
		}
		m := s.queue[0]
		s.queue = s.queue[1:]
		n.mu.Unlock()
		if err := s.deliver(n.ctx, m); err != nil {
			n.warnOf(fmt.Sprintf("%s did not receive %q: %v", s.title, m.Occasion, err))
		}
	}
}

func (n *Notifier) warnOf(message string) {
	if n.warn == nil {
		return
	}
	n.warning.Lock()
	defer n.warning.Unlock()
	n.warn(message)
}

// Close sends what is queued, for at most 10 s or until ctx ends, and cuts off the rest. Nothing is observed
// afterwards.
func (n *Notifier) Close(ctx context.Context) {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	sent := make(chan struct{})
	go func() {
		n.working.Wait()
		close(sent)
	}()
	bound := time.NewTimer(closeBound)
	defer bound.Stop()
	select {
	case <-sent:
	case <-bound.C:
	case <-ctx.Done():
	}
	n.cancel()
	select {
	case <-sent:
	case <-time.After(closeGrace): // a secret's command that ignores its context
	}
}
