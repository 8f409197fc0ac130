package postgres

import (
	"fmt"
	"math/rand/v2"
)

// A connection serves many tenants, and behind a transaction pooler also the application. So nothing that a body leaves in
// the session may outlive its transaction: a body that is not proven harmless is followed by resets of all session state, in
// the transaction and before the version row, so that the next revision of the chain, the row and the next tenant see none
// of it.
//
// The resets are the parts of DISCARD ALL, which itself is not allowed in a transaction.

// resetAfter writes the resets after the body of the k-th step. Deferred triggers may run code too: where a body of the
// transaction is not proven harmless, they run before the last reset, with skein's settings. Between the revisions of a
// chain they stay deferred.
func (c *composer) resetAfter(k int) {
	unproven := c.leavesState(c.part, k)
	c.unclean = c.unclean || unproven
	last := k == len(c.work.Parts[c.part].Steps)-1 && c.unclean
	if !unproven && !last {
		c.limits(settings{c.work.LockTimeout, c.work.StatementTimeout})
		return
	}
	if last {
		if c.triggers {
			c.resetSession()
		}
		c.addOwn(kindCommit, checkDeferred)
	}
	c.resetSession()
	for _, sql := range resetStatements(c.seed) {
		c.addOwn(kindReset, sql)
	}
	c.samples.deallocated()
	if c.checksClient && !last {
		c.addOwn(kindSet, "SET LOCAL client_connection_check_interval = '2s'")
	}
}

// resetSession resets role and settings.
func (c *composer) resetSession() {
	c.addOwn(kindReset, "SET SESSION AUTHORIZATION DEFAULT")
	c.addOwn(kindReset, "RESET ROLE")
	c.addOwn(kindReset, c.resetSettings())
	c.preset = false // the settings of the preamble are reset too
	c.setLocals()
}

// resetStatements resets all session state apart from role and settings.
func resetStatements(seed float64) []string {
	return []string{"CLOSE ALL", "DEALLOCATE ALL", "UNLISTEN *", resetLocksAndSeed(seed), "DISCARD TEMP", discardSequences}
}

const discardSequences = "DISCARD SEQUENCES"

// resetLocksAndSeed releases session locks and sets the seed of random(), from 0 to 1: a seed that a body has set would make the
// random numbers of the next tenant predictable.
func resetLocksAndSeed(seed float64) string {
	return fmt.Sprintf("SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed(%.15f)", seed)
}

// afterRollback are the resets of session state that a ROLLBACK does not undo.
func afterRollback() []string {
	return []string{"DEALLOCATE ALL", resetLocksAndSeed(rand.Float64()), discardSequences}
}

// resetSettings is RESET ALL, which in a rehearsal keeps the settings that hold its state.
func (c *composer) resetSettings() string {
	if c.samples != nil {
		return resetAgain
	}
	return "RESET ALL"
}

// leavesState reports whether a body may leave something in the session. ddl: any command may run code in this database. after: an
// earlier body of the same plan may have caused that.
func (t *bodyEffects) leavesState(ddl, after bool) bool { return !t.harmless || ddl || after }
