package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
)

// Per is what a query is put to.
type Per string

const (
	PerTenant Per = "tenant" // each tenant of the wave
	PerServer Per = "server" // each server on which the wave has tenants; a SQLite file is one of its own
)

// SQL puts a query to the tenants of the wave and looks at the first column of the first row. One answer that is
// not as expected is a failure; else one that says nothing makes the measure inconclusive: NULL, no row, an
// error, an order on what is not a number. Where there is no tenant to ask it is inconclusive, too.
type SQL struct {
	Query  string // one statement, which only reads
	Per    Per    // default PerTenant
	Expect Expect
}

var _ plan.Meter = SQL{}

const tenantsKept = 10 // ids in a Measure

// Measure implements [plan.Meter].
func (s SQL) Measure(ctx context.Context, subject plan.Subject) plan.Measure {
	if subject.Asker == nil {
		return unknown("there is no way to ask tenants here")
	}
	asked := s.askWhom(subject)
	if len(asked.targets) == 0 {
		return unknown("no tenant of the wave stands where it should: none was asked")
	}
	replies := subject.Asker.QueryEach(ctx, asked.targets, s.Query)
	if len(replies) != len(asked.targets) {
		return unknown("%d answers to %d questions", len(replies), len(asked.targets))
	}
	return s.sum(ctx, asked, replies)
}

// askedList is where the query runs: locations and their names, side by side.
type askedList struct {
	what    string // a name for one of them: tenant, server
	targets []engine.Location
	names   []string
}

func (s SQL) askWhom(subject plan.Subject) askedList {
	list := askedList{what: string(cmp.Or(s.Per, PerTenant))}
	seen := map[engine.Location]bool{}
	for _, t := range subject.Tenants {
		target, name := t.Location, t.ID
		if s.Per == PerServer {
			target = engine.Location{Dialect: target.Dialect, Server: target.Server, File: target.File}
			name = cmp.Or(target.Server, target.File)
		}
		if !seen[target] {
			seen[target] = true
			list.targets, list.names = append(list.targets, target), append(list.names, name)
		}
	}
	return list
}

func (s SQL) sum(ctx context.Context, asked askedList, replies []engine.QueryResult) plan.Measure {
	var groups []*likeAnswers
	byText := map[string]*likeAnswers{}
	verdict := plan.VerdictPass
	var tenants []string
	for i := range replies {
		v, message, redacted := s.judge(ctx, &replies[i])
		if v == plan.VerdictPass {
			continue
		}
		if verdict != plan.VerdictFail {
			verdict = v
		}
		g := byText[message]
		if g == nil {
			g = &likeAnswers{verdict: v, text: message, redacted: redacted}
			byText[message], groups = g, append(groups, g)
		}
		g.names = append(g.names, asked.names[i])
	}
	if verdict == plan.VerdictPass {
		return plan.Measure{Verdict: verdict, Evidence: fmt.Sprintf("%s answered %s", text.Count(len(replies), asked.what), s.Expect)}
	}
	slices.SortStableFunc(groups, worstFirst)
	if asked.what == string(PerTenant) {
		for _, g := range groups {
			tenants = append(tenants, g.names[:min(len(g.names), tenantsKept-len(tenants))]...)
		}
	}
	of := text.Count(len(replies), asked.what)
	m := plan.Measure{Verdict: verdict, Tenants: tenants, Evidence: shorten(describe(groups, of), allShown)}
	if redacted := shorten(describe(withoutValues(groups), of), allShown); redacted != m.Evidence {
		m.Redacted = redacted
	}
	return m
}

// judge says what a reply means, and in words why it is no pass; redacted is that without values of rows.
func (s SQL) judge(ctx context.Context, r *engine.QueryResult) (v plan.Verdict, message, redacted string) {
	switch {
	case r.Err != nil:
		e, ok := errors.AsType[*engine.Error](r.Err)
		if ok && e.Class == engine.Canceled && ctx.Err() != nil {
			message = late(ctx.Err())
			return plan.VerdictInconclusive, message, message
		}
		redacted = "the query failed"
		if ok {
			redacted, _ = e.WithoutValues()
		}
		return plan.VerdictInconclusive, shorten(r.Err.Error(), lineShown), shorten(redacted, lineShown)
	case r.Rows == 0:
		return plan.VerdictInconclusive, "no row", "no row"
	case r.Null:
		return plan.VerdictInconclusive, "got NULL", "got NULL"
	}
	v = s.Expect.judge(r.Text)
	message = fmt.Sprintf("got %s, want %s", cmp.Or(shorten(r.Text, valueShown), `""`), s.Expect)
	redacted = fmt.Sprintf("the answer is not %s", s.Expect)
	if v == plan.VerdictInconclusive {
		message += ", which is not a number"
		redacted = fmt.Sprintf("the answer is not a number, want %s", s.Expect)
	}
	return v, message, redacted
}
