package integration_test

import "strings"

// phaseOf returns where a killed command was, by what it had printed.
func (c *campaign) phaseOf(kind, stdout string) string {
	lastWave := "rest"
	if kind == "rollback" {
		lastWave = "canary" // a rollback goes through the waves from the last to the first
	}
	phase := ""
	for _, e := range eventsOf(stdout) {
		switch {
		case e["kind"] == "rollout" && phase == "":
			phase = "before the first tenant is done"
		case e["kind"] == "tenant" && e["outcome"] == "done":
			phase = "in a wave"
		case e["kind"] == "wave" && e["state"] == "started" && phase == "between waves":
			phase = "in a wave"
		case e["kind"] == "wave" && e["state"] == "finished" && e["wave"] == lastWave:
			return "at the end"
		case e["kind"] == "wave" && e["state"] == "finished", e["kind"] == "gate" && e["state"] == "settled":
			phase = "between waves"
		case e["kind"] == "gate" && e["state"] != "settled":
			phase = "in the gate's bake"
		case e["kind"] == "report":
			return "at the end"
		}
	}
	switch {
	case phase == "" && c.listing:
		return "listing"
	case phase == "":
		return "survey and plan"
	case len(reportedDone(stdout)) == len(c.ids):
		return "at the end"
	}
	return phase
}

// begunSince is the rollout that the store has now and had not before; ok is false where there is none.
func (c *campaign) begunSince(before map[string]stored) (s stored, ok bool) {
	c.t.Helper()
	for id, found := range c.rollouts() {
		if _, old := before[id]; old {
			continue
		}
		if ok {
			c.violation("the store has two rollouts in place of one: %s and %s", s.ID, id)
		}
		s, ok = found, true
	}
	return s, ok
}

// afterKill looks at all tenants: each has committed a whole part or none of it, and neither what was printed nor what
// is stored calls a tenant done that is not.
func (c *campaign) afterKill(before map[string]stored, from, to int, streams []string) {
	c.t.Helper()
	at := c.wantAt(from, 2, to)
	reached := 0
	for _, n := range at {
		switch n {
		case to:
			reached++
		case 0:
			c.counts["tenants within a no-transaction revision"]++
		case 2:
			c.counts["tenants between two revisions"]++
		}
	}
	c.wantTrueReports(at, to, streams)
	s, ok := c.begunSince(before)
	if !ok {
		if reached > 0 {
			c.violation("%d tenants were changed by a rollout that the store does not have", reached)
		}
		return
	}
	if n := s.Counts["done"] + s.Counts["unchanged"]; n > reached || s.Counts["failed"]+s.Counts["uncertain"]+s.Counts["gone"] > 0 {
		c.violation("the store says %v of a fleet that has %d at the end of their way", s.Counts, reached)
	}
	if s.State == "finished" && reached < len(c.ids) {
		c.violation("the rollout is shown as finished, and %d tenants of %d are", reached, len(c.ids))
	}
}

// wantTrueReports fails unless tenants that streams reported as done are done, and were not begun again afterwards.
func (c *campaign) wantTrueReports(at map[string]int, to int, streams []string) {
	c.t.Helper()
	done := map[string]bool{}
	for _, stream := range streams {
		for _, e := range eventsOf(stream) {
			id, _ := e["tenant"].(string)
			if e["kind"] == "tenant" && e["outcome"] == "running" && done[id] {
				c.violation("%s was reported as done, and was begun again", id)
			}
			if e["kind"] == "tenant" && e["outcome"] == "done" {
				done[id] = true
			}
		}
	}
	for id := range done {
		if at[id] != to {
			c.violation("%s is reported as done, and has %d steps, want %d", id, at[id], to)
		}
	}
}

// resumeCommand is the command that continues after a kill; nil = the rollout has finished. Where the store has nothing of it,
// it is the command that was killed.
func (c *campaign) resumeCommand(before map[string]stored, args []string) []string {
	c.t.Helper()
	s, ok := c.begunSince(before)
	switch {
	case !ok:
		return args
	case s.State == "finished":
		return nil
	}
	return []string{"rollout", "resume", s.ID, "--json"}
}

// atEnd looks at all tenants and at the store when nothing is left to do.
func (c *campaign) atEnd(before map[string]stored, kind string, to int, streams []string) {
	c.t.Helper()
	at := c.wantAt(to)
	c.wantTrueReports(at, to, streams)
	s, ok := c.begunSince(before)
	if !ok || s.State != "finished" || s.Type != kind {
		c.violation("at the end of the %s the store has %+v", kind, s)
	}
	if n := s.Counts["done"] + s.Counts["unchanged"]; n != len(c.ids) || sumOfCounts(s.Counts) != n {
		c.violation("at the end of the %s the store says %v of %d tenants", kind, s.Counts, len(c.ids))
	}
	shown := c.show()
	if n := shown.Counts["done"] + shown.Counts["unchanged"]; n != len(c.ids) || len(shown.Failed) > 0 || shown.Rollout != s.ID {
		c.violation("at the end of the %s it is shown as %+v", kind, shown)
	}
	if c.t.Failed() {
		c.t.Logf("the streams:\n%s", tailOf(strings.Join(streams, "\n--\n")))
	}
}
