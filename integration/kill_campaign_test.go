package integration_test

import (
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/integration/skeintest"
)

// phasesOfKills are where a kill can land, as seen afterwards in what skein had printed and what had been listed.
var phasesOfKills = []string{"listing", "survey and plan", "before the first tenant is done", "in a wave", "between waves", "in the gate's bake", "at the end"}

// campaignRows is the order of the table.
var campaignRows = func() []string {
	var rows []string
	for _, kind := range []string{"upgrade", "rollback"} {
		for _, phase := range phasesOfKills {
			rows = append(rows, kind+": "+phase)
		}
	}
	return append(rows, "**kills**", "of them of a resume", "too late: it had ended", "tenants between two revisions", "tenants within a no-transaction revision", "resumes", "begun again: nothing was stored yet", "violations")
}()

// kills makes rounds of an upgrade and its rollback until so many kills have landed.
func (c *campaign) kills(wanted int) {
	c.pace = map[string][]time.Duration{}
	c.undisturbed("upgrade", 3, "upgrade", "--json")
	c.undisturbed("rollback", 1, "rollout", "rollback", "--yes", "--json")
	c.counts["violations"] += 0
	for round := 0; c.counts["**kills**"] < wanted; round++ {
		c.drive("upgrade", round, 1, 3, "upgrade", "--json")
		if !c.t.Failed() {
			c.drive("rollback", round, 3, 1, "rollout", "rollback", "--yes", "--json")
		}
		if c.t.Failed() {
			c.t.Fatalf("round %d, -campaign-seed %d", round, *campaignSeed)
		}
		if round > 3*wanted {
			c.t.Fatalf("%d kills of %d landed in %d rounds: that proves little", c.counts["**kills**"], wanted, round)
		}
	}
}

// undisturbed runs a command to its end, and notes how long it takes to begin, to the first tenant, and altogether.
func (c *campaign) undisturbed(kind string, to int, args ...string) {
	c.t.Helper()
	begun := time.Now()
	p := c.start(args...)
	p.must(`"kind":"rollout"`, 1)
	planned := time.Since(begun)
	p.must(isDone, 1)
	first := time.Since(begun)
	p.end().Want(0)
	c.pace[kind] = []time.Duration{planned, first, time.Since(begun)}
	c.wantAt(to)
}

// drive runs a command, kills it at the moment that is due, perhaps its resume too, and takes it up until it has ended.
func (c *campaign) drive(kind string, round, from, to int, args ...string) {
	c.t.Helper()
	before := c.rollouts()
	deaths := 1
	if c.rng.IntN(4) == 0 {
		deaths = 2
	}
	var streams []string
	next := args
	for death := 0; death < deaths; death++ {
		r := c.strike(kind, round, death, next)
		streams = append(streams, r.Stdout)
		if r.Code != -1 {
			c.counts["too late: it had ended"]++
			if r.Code != 0 {
				c.violation("skein %s ended with %d\n%s\n%s", strings.Join(next, " "), r.Code, tailOf(r.Stdout), tailOf(r.Stderr))
			}
			break
		}
		c.counts["**kills**"]++
		c.counts[kind+": "+c.phaseOf(kind, r.Stdout)]++
		if death > 0 {
			c.counts["of them of a resume"]++
		}
		c.afterKill(before, from, to, streams)
		if next = c.resumeCommand(before, args); next == nil || c.t.Failed() {
			break
		}
	}
	if c.t.Failed() {
		return
	}
	if next = c.resumeCommand(before, args); next != nil {
		if slices.Contains(next, "resume") {
			c.counts["resumes"]++
		} else {
			c.counts["begun again: nothing was stored yet"]++
		}
		r := c.start(next...).end()
		if r.Code != 0 {
			c.violation("skein %s ended with %d\n%s\n%s", strings.Join(next, " "), r.Code, tailOf(r.Stdout), tailOf(r.Stderr))
		}
		streams = append(streams, r.Stdout)
	}
	c.atEnd(before, kind, to, streams)
}

// strike starts a command and kills it. The first kill of a command is aimed at one phase after the other, others
// anywhere.
func (c *campaign) strike(kind string, round, death int, args []string) skeintest.Result {
	c.Write("listed", "")
	p := c.start(args...)
	pace := c.pace[kind]
	upTo := func(d time.Duration) { waitAtMost(p, time.Duration(c.rng.Int64N(int64(max(d, time.Millisecond))))) }
	aim := round % 8
	if death > 0 {
		aim = 7
	}
	switch aim {
	case 0: // listing
		c.atList(p, "begin", 1)
		upTo(80 * time.Millisecond)
	case 1: // survey and plan
		c.atList(p, "end", 1)
		upTo(max(20*time.Millisecond, pace[0]-150*time.Millisecond))
	case 2: // before the first tenant is done
		p.has(`"kind":"rollout"`, 1)
		upTo(pace[1] - pace[0])
	case 3: // in a wave
		p.has(isDone, 1+c.rng.IntN(len(c.ids)-1))
		upTo(10 * time.Millisecond)
	case 4: // between waves, where the tenants are listed again
		p.has(`"state":"finished"`, 1+c.rng.IntN(2))
		upTo(100 * time.Millisecond)
	case 5: // in the bake; a rollback has no gate
		p.has(`"state":"closed"`, 1)
		upTo(300 * time.Millisecond)
	case 6: // at the end
		p.has(isDone, len(c.ids))
		upTo(80 * time.Millisecond)
	default:
		upTo(pace[2])
	}
	c.listing = c.lists("end") == 0
	r := p.kill()
	c.backend.quiet()
	waitUntil(c.t, "the program that lists the tenants to end", func() bool { return c.lists("begin") <= c.lists("end") })
	return r
}

// lists counts what the program that lists the tenants wrote down.
func (c *campaign) lists(word string) int {
	return strings.Count(readFile(c.t, c.Path("listed")), word)
}

// atList waits until the program that lists the tenants wrote a word so many times, or the command ended.
func (c *campaign) atList(p *running, word string, n int) {
	c.t.Helper()
	for deadline := time.Now().Add(utmost); c.lists(word) < n; time.Sleep(time.Millisecond) {
		select {
		case <-p.ended:
			return
		default:
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("waited %s for the tenants to be listed", utmost)
		}
	}
}
