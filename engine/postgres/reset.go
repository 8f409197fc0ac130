package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// A connection serves many tenants, and behind a transaction pooler also the application. So nothing that a body leaves
// in the session may outlive its transaction: a body that is not proven harmless is followed by resets of all that a
// session can keep, within the transaction and before the version row, so that neither the next revision of the chain
// nor the row nor the next tenant sees any of it.
//
// DISCARD ALL does the same and is not allowed in a transaction; its parts are.

// reset says what follows a body.
type reset uint8

const (
	resetNothing   reset = iota // proven: nothing is left
	resetSequences              // at most lastval() and cached values of sequences
	resetAll
)

// resets are the statements of resetAll, but for settings. The seed would make random() of the next tenant foreseeable.
func resets() []string {
	return []string{
		"CLOSE ALL",
		"SET SESSION AUTHORIZATION DEFAULT",
		"RESET ROLE",
		"DEALLOCATE ALL",
		"UNLISTEN *",
		releaseSession(),
		"DISCARD TEMP",
		discardSequences,
	}
}

const discardSequences = "DISCARD SEQUENCES"

// releaseSession gives back session locks, and the seed of random() to chance.
func releaseSession() string {
	return fmt.Sprintf("SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed(%.15f)", rand.Float64())
}

// afterRollback are the resets of what a ROLLBACK leaves.
func afterRollback() []string {
	return []string{"DEALLOCATE ALL", releaseSession(), discardSequences}
}

// leave writes what follows the body of the k-th step. Deferred triggers may run code too: once a body of the
// transaction was not proven, they run before the last reset.
func (c *composer) leave(k int, step engine.Step) {
	r := c.reset(c.part, k)
	c.unproven = c.unproven || r == resetAll
	if k == len(c.work.Parts[c.part].Steps)-1 && c.unproven {
		c.own(kindCommit, "SET CONSTRAINTS ALL IMMEDIATE")
		r = resetAll
	}
	switch r {
	case resetAll:
		for _, sql := range resets() {
			c.own(kindReset, sql)
		}
		c.own(kindReset, c.resetSettings())
		c.plain = false // the session's own settings went with the others
		c.set()
		return
	case resetSequences:
		c.own(kindReset, discardSequences)
	}
	c.limits(settings{c.work.LockTimeout, c.work.StatementTimeout})
}

// resetSettings keeps what a rehearsal remembers in a setting of its own.
func (c *composer) resetSettings() string {
	if c.look != "" {
		return resetAgain
	}
	return "RESET ALL"
}

// leaving are words of a body after which something may be left in the session, wherever they stand: names of the
// server's own functions that change it or that run SQL from a string, and what makes temporary objects.
var leaving = []string{
	"temp", "temporary", "pg_temp", "extension", "set_config", "setseed", "nextval", "setval", "currval", "lastval",
	"query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "ts_stat", "ts_rewrite",
}

// sequencing are words of a body that may draw from a sequence.
var sequencing = []string{"insert", "merge", "copy", "serial", "bigserial", "smallserial", "serial2", "serial4", "serial8", "identity", "update", "restart"}

// knownCommands are the first words of statements that leave nothing by themselves.
var knownCommands = []string{
	"ALTER", "ANALYZE", "CLUSTER", "COMMENT", "COPY", "CREATE", "DELETE", "DROP", "GRANT", "INSERT", "LOCK", "MERGE", "REASSIGN",
	"REFRESH", "REINDEX", "RELEASE", "REVOKE", "ROLLBACK", "SAVEPOINT", "SELECT", "TABLE", "TRUNCATE", "UPDATE", "VALUES", "WITH",
}

// leaves decides by a body's text. What it calls, and what runs by itself, is another question.
func leaves(t *traits, statements []revision.Statement) reset {
	unknown := func(s revision.Statement) bool {
		text := strings.TrimLeft(s.Text, "( \t\r\n")
		return !slices.Contains(knownCommands, firstWord(text))
	}
	stateful := func(name string) bool {
		return strings.HasPrefix(name, "pg_advisory") || strings.HasPrefix(name, "pg_try_advisory") ||
			strings.HasPrefix(name, "dblink") || strings.HasPrefix(name, "pg_replication_origin")
	}
	switch {
	case len(t.idents.Dynamic) > 0, slices.ContainsFunc(statements, unknown), t.names(leaving...), slices.ContainsFunc(t.idents.Names, stateful):
		return resetAll
	case t.names(sequencing...):
		return resetSequences
	}
	return resetNothing
}

// resetOf decides for one step. made: an earlier step of the plan may have made functions, triggers and the like.
func (d *database) resetOf(ctx context.Context, c *conn, b body, made bool) (reset, error) {
	if b.traits.leaves == resetAll || made && b.traits.calls() {
		return resetAll, nil
	}
	hidden, err := d.hidden(ctx, c, b.traits, made)
	if err != nil {
		return 0, err
	}
	foreign, err := d.callsExtensions(ctx, c, b.traits)
	if err != nil {
		return 0, err
	}
	if hidden || foreign {
		return resetAll, nil
	}
	return b.traits.leaves, nil
}

// calls reports whether the body may call a function that an earlier step made.
func (t *traits) calls() bool { return len(t.idents.Calls) > 0 }

// callsExtensions reports whether the body calls a function that came with an extension: it may keep state of its own.
func (d *database) callsExtensions(ctx context.Context, c *conn, t *traits) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ask []string
	for _, n := range t.idents.Calls {
		there, known := d.installed[n.Name]
		if there {
			return true, nil
		}
		if !known {
			ask = append(ask, n.Name)
		}
	}
	if len(ask) == 0 {
		return false, nil
	}
	results, err := c.query(ctx, `SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p WHERE p.proname = ANY (`+array(ask)+`::pg_catalog.name[])
AND p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace`)
	if err != nil {
		return false, err
	}
	for _, n := range ask {
		d.installed[n] = false
	}
	for _, n := range firstColumn(results[0]) {
		d.installed[n] = true
	}
	return len(results[0].Rows) > 0, nil
}
