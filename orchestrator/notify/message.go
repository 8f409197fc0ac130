package notify

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// message is the body of the format JSON. It holds nothing of tenants but how many there are, their ids where a
// reason names them, and the causes of failures; what servers and gates quote of rows is in none of it.
type message struct {
	Format   int                  `json:"format"` // 1
	Occasion Occasion             `json:"occasion"`
	Fleet    string               `json:"fleet"`
	Rollout  string               `json:"rollout"` // id
	Type     plan.Kind            `json:"type"`    // upgrade, downgrade, stamp, rollback
	Target   string               `json:"target"`
	State    rollout.State        `json:"state"`
	Wave     string               `json:"wave"`    // that it is about; "" = none
	Verdict  plan.Verdict         `json:"verdict"` // of a gate; else ""
	Reason   string               `json:"reason"`  // of a verdict or an end; "" when there is nothing to say
	Counts   map[plan.Outcome]int `json:"counts"`  // tenants by outcome, without those that none has
	Next     string               `json:"next"`    // the command to run next; "" = none
	Text     string               `json:"text"`    // all that in a paragraph, for people
	Time     time.Time            `json:"time"`    // UTC
}

// news is what a message is about.
type news struct {
	occasion Occasion
	wave     string
	verdict  plan.Verdict
	reason   string
}

const (
	causesShown = 3
	reasonShown = 600 // bytes
	causeShown  = 300
)

func compose(r *rollout.Report, n news, at time.Time, next string) message {
	m := message{
		Format: 1, Occasion: n.occasion, Fleet: r.Fleet, Rollout: r.Rollout, Type: r.Kind, Target: r.Target, State: r.State,
		Wave: n.wave, Verdict: n.verdict, Reason: text.Cut(text.OneLine(visible(n.reason)), reasonShown), Counts: r.Counts(), Next: next, Time: at,
	}
	sentences := []string{"skein: " + job(r) + " " + happening(r, &m) + "."}
	switch m.Occasion {
	case Gate, Approval:
	case Started:
		if r.Run > 1 {
			sentences = append(sentences, tally(m.Counts))
		}
	default:
		sentences = append(sentences, tally(m.Counts))
		sentences = append(sentences, causes(r)...)
	}
	if m.Next != "" {
		sentences = append(sentences, "Next: "+m.Next)
	} else {
		sentences = append(sentences, "Rollout "+m.Rollout+".")
	}
	m.Text = strings.Join(sentences, " ")
	return m
}

// job is what the rollout does: "upgrade of acme to heads".
func job(r *rollout.Report) string {
	if r.Kind == plan.KindRollback {
		return fmt.Sprintf("rollback of %s, fleet %s,", r.Target, r.Fleet)
	}
	return fmt.Sprintf("%s of %s to %s", r.Kind, r.Fleet, r.Target)
}

// happening says what has happened.
func happening(r *rollout.Report, m *message) string {
	switch m.Occasion {
	case Started:
		if r.Run > 1 {
			return fmt.Sprintf("resumed, run %d by %s", r.Run, cmp.Or(r.User, "an unknown user"))
		}
		return fmt.Sprintf("started by %s: %s", cmp.Or(r.User, "an unknown user"), waves(r))
	case Gate:
		verb := map[plan.Verdict]string{plan.VerdictPass: "passed", plan.VerdictFail: "failed"}[m.Verdict]
		return because(fmt.Sprintf("– the gate of wave %s %s", m.Wave, cmp.Or(verb, "is inconclusive")), m.Reason)
	case Approval:
		return fmt.Sprintf("waits for an approval after wave %s", m.Wave)
	case Finished:
		return because("is finished", m.Reason)
	}
	did := map[Occasion]string{
		Paused: "is paused", Halted: "is halted", Interrupted: "was interrupted", Aborted: "was aborted",
	}[m.Occasion]
	if m.Wave != "" {
		did += " in wave " + m.Wave
	}
	return because(did, m.Reason)
}

// visible replaces characters that are invisible or change the direction of a text by blanks, because a program that
// shows the text may not escape them.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

func because(what, reason string) string {
	return what + text.Because(strings.TrimSuffix(reason, "."))
}

// waves describes the waves: "5000 tenants in 2 waves (canary 5, rest 4995)".
func waves(r *rollout.Report) string {
	of := fmt.Sprintf("%d tenants", r.Planned())
	if r.Planned() == 1 {
		of = "1 tenant"
	}
	if len(r.Waves) < 2 {
		return of
	}
	var each []string
	for i := range r.Waves {
		each = append(each, fmt.Sprintf("%s %d", r.Waves[i].Name, r.Waves[i].Planned))
	}
	return fmt.Sprintf("%s in %d waves (%s)", of, len(r.Waves), strings.Join(each, ", "))
}

// tally is the tenants by outcome: "12 done, 3 failed."
func tally(counts map[plan.Outcome]int) string {
	var each []string
	for _, o := range []plan.Outcome{
		plan.OutcomeDone, plan.OutcomeUnchanged, plan.OutcomeFailed, plan.OutcomeUncertain, plan.OutcomeSkipped, plan.OutcomeGone,
		plan.OutcomeRunning, plan.OutcomeRetrying, plan.OutcomeDeferred, plan.OutcomePending,
	} {
		if n := counts[o]; n > 0 {
			each = append(each, fmt.Sprintf("%d %s", n, o))
		}
	}
	if len(each) == 0 {
		return "No tenants."
	}
	return strings.Join(each, ", ") + "."
}

// causes is what most of the failed tenants failed for, a sentence each. A cause holds no values of rows.
func causes(r *rollout.Report) []string {
	all := r.Causes()
	var each []string
	for _, c := range all[:min(len(all), causesShown)] {
		where := c.Revision
		if c.File != "" {
			where = strings.TrimSpace(fmt.Sprintf("%s %s:%d", where, c.File, c.Line))
		}
		if where != "" {
			where = " in " + where
		}
		each = append(each, fmt.Sprintf("%d failed%s: %s.", c.Count, where, strings.TrimSuffix(text.Cut(text.OneLine(visible(c.Message)), causeShown), ".")))
	}
	if rest := len(all) - len(each); rest == 1 {
		each = append(each, "There is another cause.")
	} else if rest > 1 {
		each = append(each, fmt.Sprintf("There are %d other causes.", rest))
	}
	return each
}
