package view

import (
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// lineHead is what every line of the stream has. The order of keys means nothing.
type lineHead struct {
	Kind string    `json:"kind"`
	Seq  int       `json:"seq"` // 1, 2, 3 … in the stream
	Time time.Time `json:"time"`
}

func head(kind string) lineHead { return lineHead{Kind: kind} }

func (h *lineHead) header() *lineHead { return h }

// streamLine is a line of the stream: one of the types below.
type streamLine interface{ header() *lineHead }

// The lines of the stream; docs/cli.md describes them.
type (
	versionLine struct {
		lineHead
		Version string `json:"version"`
		Format  int    `json:"format"`
	}

	warningLine struct {
		lineHead
		Server  *string `json:"server,omitempty"`
		Message string  `json:"message"`
		Hint    *string `json:"hint,omitempty"`
		Width   *int    `json:"width,omitempty"`
	}

	rolloutStartedLine struct {
		lineHead
		Rollout string        `json:"rollout"`
		State   rollout.State `json:"state"`
		Type    plan.Kind     `json:"type"`
		Target  string        `json:"target"`
		Run     int           `json:"run"`
		Tenants int           `json:"tenants"`
		Waves   []waveSize    `json:"waves"`
	}

	waveSize struct {
		Name    string `json:"name"`
		Tenants int    `json:"tenants"`
	}

	rolloutEndedLine struct {
		lineHead
		Rollout string        `json:"rollout"`
		State   rollout.State `json:"state"`
		Reason  string        `json:"reason"`
	}

	waveLine struct {
		lineHead
		Wave    string   `json:"wave"`
		State   string   `json:"state"` // started, joined, finished
		Tenants []string `json:"tenants,omitzero"`
	}

	gateClosedLine struct {
		gateHead
		Until    *time.Time `json:"until"`
		Checks   []string   `json:"checks"`
		Approval bool       `json:"approval"`
	}

	gateMeasuredLine struct {
		gateHead
		Check    string       `json:"check"`
		Verdict  plan.Verdict `json:"verdict"`
		Evidence string       `json:"evidence"`
		Tenants  []string     `json:"tenants"`
		TookMS   int64        `json:"took_ms"`
	}

	gateWaitingLine struct {
		gateHead
		Next string `json:"next"` // the command that approves it
	}

	gateSettledLine struct {
		gateHead
		Verdict plan.Verdict `json:"verdict"`
		Reason  string       `json:"reason"`
	}

	// gateHead is what every line of a gate has.
	gateHead struct {
		lineHead
		Wave  string `json:"wave"`
		State string `json:"state"` // closed, measured, waiting, settled
	}

	commandLine struct {
		lineHead
		CommandDocument
		Refused string `json:"refused"` // "" = it was acknowledged
	}

	waitingLine struct {
		lineHead
		Server string       `json:"server"`
		Waits  []TenantWait `json:"waits"`
	}

	tenantLine struct {
		lineHead
		Tenant     string         `json:"tenant"`
		Outcome    plan.Outcome   `json:"outcome"`
		Attempt    int            `json:"attempt"`
		Error      *string        `json:"error"`
		From       []string       `json:"from"`
		To         []string       `json:"to"`
		WaitMS     *int64         `json:"wait_ms,omitempty"`
		Steps      *int           `json:"steps,omitempty"`
		DurationMS *int64         `json:"duration_ms,omitempty"`
		Class      *engine.Class  `json:"class,omitempty"`
		Reason     string         `json:"reason,omitempty"`
		Notices    []ServerNotice `json:"notices,omitempty"`
	}

	reportLine struct {
		lineHead
		ReportDocument
	}

	errorLine struct {
		lineHead
		Exit int `json:"exit"`
		ErrorDocument
	}
)

// describe returns the line of a fact; nil = it has none.
func describe(e rollout.Event, o Options) streamLine {
	switch f := e.Fact.(type) {
	case rollout.Started:
		l := &rolloutStartedLine{
			lineHead: head("rollout"), Rollout: e.Rollout, State: rollout.StateRunning, Type: f.Kind, Target: f.Target, Run: f.Run,
			Waves: make([]waveSize, 0, len(f.Waves)),
		}
		for _, w := range f.Waves {
			l.Waves = append(l.Waves, waveSize{w.Name, w.Tenants})
			l.Tenants += w.Tenants
		}
		return l
	case rollout.Ended:
		return &rolloutEndedLine{head("rollout"), e.Rollout, f.State, f.Reason}
	case rollout.WaveStarted:
		return &waveLine{head("wave"), f.Wave, "started", nil}
	case rollout.WaveFinished:
		return &waveLine{head("wave"), f.Wave, "finished", nil}
	case rollout.TenantsJoined:
		return &waveLine{head("wave"), f.Wave, "joined", joinedIDs(f)}
	case rollout.GateClosed, rollout.GateMeasured, rollout.ApprovalAwaited, rollout.GateSettled:
		return describeGate(e)
	case rollout.Commanded:
		return &commandLine{head("command"), commandJSON(f.Command), f.Refused}
	case rollout.ServerPaused, rollout.ServerResumed, rollout.WidthChanged, rollout.Warned:
		return describeWarning(f)
	case rollout.TenantsWaiting:
		if e.Tick() {
			return nil
		}
		return &waitingLine{head("waiting"), f.Server, waitsJSON(f.Waits)}
	case rollout.TenantStarted, rollout.TenantRetrying, rollout.TenantDeferred, rollout.TenantFinished:
		return describeTenant(f, o)
	case rollout.TenantsDispatched, rollout.TenantReturned, rollout.TenantsReplanned, rollout.TenantsRunning:
		// other lines have all that there is to say of these tenants
	}
	return nil
}

func describeWarning(fact rollout.Fact) streamLine {
	l := &warningLine{lineHead: head("warning")}
	switch f := fact.(type) {
	case rollout.ServerPaused:
		hint := Commands(f.Failure.Hint)
		l.Server, l.Message, l.Hint = &f.Server, "server paused: "+f.Failure.Place()+f.Failure.Message, &hint
	case rollout.ServerResumed:
		l.Server, l.Message = &f.Server, "server answers again"
	case rollout.WidthChanged:
		l.Server, l.Message, l.Width = &f.Server, "width changed: "+f.Reason, &f.Width
	case rollout.Warned:
		l.Message = f.Message
	}
	return l
}

// describeGate is the line of a gate: closed, measured once or more often, waiting for an approval, settled.
func describeGate(e rollout.Event) streamLine {
	of := func(wave, state string) gateHead { return gateHead{head("gate"), wave, state} }
	switch f := e.Fact.(type) {
	case rollout.GateClosed:
		return &gateClosedLine{of(f.Wave, "closed"), utc(f.Until), list(f.Checks), f.Approval}
	case rollout.GateMeasured:
		return &gateMeasuredLine{of(f.Wave, "measured"), f.Check, f.Verdict, f.Evidence, list(f.Tenants), f.Took.Milliseconds()}
	case rollout.ApprovalAwaited:
		return &gateWaitingLine{of(f.Wave, "waiting"), "skein rollout approve " + e.Rollout}
	case rollout.GateSettled:
		return &gateSettledLine{of(f.Wave, "settled"), f.Verdict, f.Reason}
	}
	return nil
}

func describeTenant(fact rollout.Fact, o Options) streamLine {
	l := &tenantLine{lineHead: head("tenant"), From: []string{}, To: []string{}}
	switch f := fact.(type) {
	case rollout.TenantStarted:
		l.Tenant, l.Outcome, l.Attempt, l.From = f.Tenant, plan.OutcomeRunning, f.Attempt, list(f.From)
	case rollout.TenantRetrying:
		wait := f.Wait.Milliseconds()
		l.Tenant, l.Outcome, l.Attempt, l.Error, l.WaitMS = f.Tenant, plan.OutcomeRetrying, f.Attempt, &f.Failure.Message, &wait
	case rollout.TenantDeferred:
		l.Tenant, l.Outcome, l.Attempt, l.Error = f.Tenant, plan.OutcomeDeferred, f.Attempt, &f.Failure.Message
	case rollout.TenantFinished:
		took := f.Duration.Milliseconds()
		l.Tenant, l.Outcome, l.Attempt = f.Tenant, f.Outcome, f.Attempt
		l.From, l.To, l.Steps, l.DurationMS = list(f.From), list(f.To), &f.Steps, &took
		if f.Failure != nil {
			l.Error, l.Class = &f.Failure.Message, &f.Failure.Class
		}
		l.Reason, l.Notices = f.Reason, noticesJSON(f.Notices, o)
	}
	return l
}
