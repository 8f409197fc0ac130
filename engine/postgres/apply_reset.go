package postgres

import (
	"fmt"
	"math/rand/v2"
)

// A connection serves many tenants, and behind a transaction pooler also the application. So nothing that a body leaves
// in the session may outlive its transaction: a body that is not proven harmless is followed by resets of all that a
// session can keep, within the transaction and before the version row, so that neither the next revision of the chain
// nor the row nor the next tenant sees any of it.
//
// DISCARD ALL does the same and is not allowed in a transaction; its parts are.

// leave writes what follows the body of the k-th step. Deferred triggers may run code too: once a body of the
// transaction was not proven, they run before the last reset, with skein's settings. Between the revisions of a chain
// they stay deferred.
func (c *composer) leave(k int) {
	unproven := c.leaves(c.part, k)
	c.unproven = c.unproven || unproven
	last := k == len(c.work.Parts[c.part].Steps)-1 && c.unproven
	if !unproven && !last {
		c.limits(settings{c.work.LockTimeout, c.work.StatementTimeout})
		return
	}
	if last {
		if c.triggers {
			c.settleAgain()
		}
		c.own(kindCommit, settleConstraints)
	}
	c.settleAgain()
	for _, sql := range release(c.seed) {
		c.own(kindReset, sql)
	}
	c.looks.released()
	if c.checks && !last {
		c.own(kindSet, "SET LOCAL client_connection_check_interval = '2s'")
	}
}

// settleAgain puts role and settings back.
func (c *composer) settleAgain() {
	c.own(kindReset, "SET SESSION AUTHORIZATION DEFAULT")
	c.own(kindReset, "RESET ROLE")
	c.own(kindReset, c.resetSettings())
	c.plain = false // the session's own settings went with the others
	c.set()
}

// release gives back all that a session can keep apart from role and settings.
func release(seed float64) []string {
	return []string{"CLOSE ALL", "DEALLOCATE ALL", "UNLISTEN *", releaseSession(seed), "DISCARD TEMP", discardSequences}
}

const discardSequences = "DISCARD SEQUENCES"

// releaseSession gives back session locks. The seed, from 0 to 1, goes to chance: with the one that is left random() of
// the next tenant would be foreseeable.
func releaseSession(seed float64) string {
	return fmt.Sprintf("SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed(%.15f)", seed)
}

// afterRollback are the resets of what a ROLLBACK leaves.
func afterRollback() []string {
	return []string{"DEALLOCATE ALL", releaseSession(rand.Float64()), discardSequences}
}

// resetSettings keeps what a rehearsal remembers in a setting of its own.
func (c *composer) resetSettings() string {
	if c.looks != nil {
		return resetAgain
	}
	return "RESET ALL"
}

// leaves reports whether a body may leave something in the session. ddl: any command may run code here. after: it
// follows a body of the same plan that may have made that so.
func (t *traits) leaves(ddl, after bool) bool { return !t.harmless || ddl || after }
