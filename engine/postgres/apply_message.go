package postgres

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// pieceKind says what a statement of a message is for, and so what its failure means.
type pieceKind uint8

const (
	kindSet    pieceKind = iota // session and transaction settings, BEGIN
	kindLock                    // try the tenant's lock, check that the schema is the one that was surveyed
	kindCheck                   // check that the applied revisions are those of the plan
	kindCreate                  // create the version table
	kindBody                    // a statement of a revision
	kindRow                     // insert or delete a version row
	kindGuard                   // check that nothing outside the tenant was touched
	kindEnd                     // check that the schema is still the same, and the version table holds the rows
	kindCommit                  // COMMIT, or in a rehearsal what it would check
	kindReset                   // reset what a body left in the session
	kindRows                    // a query whose rows are read
	kindNames                   // check that the tenant has a name that the next statement uses
	kindBorder                  // in a rehearsal, between two transactions
)

// checkDeferred runs what is deferred to the commit.
const checkDeferred = "SET CONSTRAINTS ALL IMMEDIATE"

// The texts with which the checks fail: the server says `invalid input syntax for type integer: "skein:busy"`, translated, but
// with the text as it is.
const (
	markBusy  = "skein:busy"
	markStale = "skein:stale"
	markGone  = "skein:gone"
	markRows  = "skein:rows"
	markPath  = "skein:path"
	markGuard = "skein:guard:" // followed by a list, see hits
)

// fail is a SELECT that fails with the text of the first branch that holds. The cast is outside of CASE, since the planner
// evaluates constant branches.
func fail(branches string) string {
	return "SELECT CAST(CASE " + branches + " ELSE '0' END AS pg_catalog.int4)"
}

// composer writes the transactions of a Work. It is used once.
type composer struct {
	message
	table        versionTable
	schema       string
	tail         []string // of the search path
	work         *engine.Work
	bodies       func(engine.Step) body
	lock         int64
	samples      *sampleWriter             // of a rehearsal; nil = none
	deferred     bool                      // try the deferred constraints after each statement of a body
	settings     settings                  // in force after what is written so far
	preset       bool                      // the session has the settings already
	leavesState  func(part, step int) bool // may a body leave something in the session
	checksClient bool                      // the backend checks whether its client is gone
	triggers     bool                      // there may be deferred triggers that run code
	seed         float64                   // of random(), set by the resets
	unclean      bool                      // a body of the transaction may leave something in the session
	assignments  []string                  // assignments that each transaction begins with, unless the session has them; see session_settings.go
	names        *nameChecks               // nil = no name is checked
	progress     progress                  // of no-transaction sections in the tenant
	part         int
	step         int
}

// body is what a step runs, and its possible effects.
type body struct {
	statements []revision.Statement
	effects    *bodyEffects
}

// settings are what a revision's options and its own SET LOCAL may change within a transaction.
type settings struct{ lock, statement time.Duration }

// compose writes all parts; guards has the SQL of a guard, or "", for each. preamble are settings of the session in the first
// message of a connection, which last once the first transaction is committed.
func (c *composer) compose(guards, preamble []string) {
	for _, set := range preamble {
		c.addOwn(kindSet, set)
	}
	last := "" // id of the last step whose row tells when the next one began
	for i := range c.work.Parts {
		c.part = i
		last = c.transaction(guards[i], last)
	}
}

// preamble returns the settings that a direct connection keeps for all its tenants, which saves each of them four statements,
// a tenth of the cost of a small revision. A body that may change them is followed by RESET ALL, which resets them too: the
// next message makes them again.
func preamble(n endpoint, lock time.Duration, settle []string) []string {
	if n.pooled {
		return nil
	}
	sets := []string{
		"SET default_transaction_isolation = 'read committed'",
		"SET default_transaction_read_only = off",
		"SET row_security = off",
		"SET statement_timeout = 0",
		"SET lock_timeout = " + milliseconds(lock),
	}
	for _, s := range settle {
		sets = append(sets, "SET "+s)
	}
	if n.checksClient { // the backend cancels its statement once the client is gone
		sets = append(sets, "SET client_connection_check_interval = '2s'")
	}
	return sets
}

func (c *composer) transaction(guard, last string) string {
	part := &c.work.Parts[c.part]
	c.open(part)
	last = c.steps(part, last)
	if guard != "" {
		c.addOwn(kindGuard, guard)
	}
	c.end(part)
	c.addOwn(kindCommit, "COMMIT")
	return last
}

// steps writes bodies and rows.
func (c *composer) steps(part *engine.Part, last string) string {
	for k, step := range part.Steps {
		c.body(k, step)
		c.row(part, k, last)
		last = ""
		if step.Direction == revision.Up {
			last = step.Revision.ID
		}
	}
	return last
}

// end checks that what is about to be committed is in the tenant and recorded in it. Deferred triggers, also those of the
// version table, run before.
func (c *composer) end(part *engine.Part) {
	if !c.unclean { // else they have run already
		c.addOwn(kindCommit, checkDeferred)
	}
	c.addOwn(kindEnd, c.table.endsAt(c.schema, c.work.SchemaID.SchemaOID, part.After))
	if c.progress == progressSome {
		c.addOwn(kindEnd, c.table.forget(c.schema, part))
	}
}

// open begins a transaction: settings, the lock, and then the check, in a statement of its own so that its snapshot is later
// than the lock.
func (c *composer) open(part *engine.Part) {
	c.step, c.unclean = 0, false
	c.begin(part.Isolation())
	if part.Isolation() != "" && (c.work.SchemaID.HasTable || c.part > 0) {
		c.addOwn(kindCheck, c.table.keep(c.schema))
	}
	c.enter(part)
}

func (c *composer) enter(part *engine.Part) {
	c.names.begin()
	absent := ""
	if c.progress == progressNone {
		absent = c.table.journal(c.schema)
	}
	c.addOwn(kindLock, lockSQL(c.lock, c.schema, c.work.SchemaID.SchemaOID, absent))
	if !c.work.SchemaID.HasTable && c.part == 0 {
		c.addOwn(kindCreate, c.table.create(c.schema))
	} else {
		c.addOwn(kindCheck, c.table.standsAt(c.schema, part, c.work.Of))
	}
}

func (c *composer) begin(level revision.Isolation) {
	if !c.preset {
		c.addOwn(kindSet, "BEGIN ISOLATION LEVEL "+level.SQL()+" READ WRITE")
		c.setLocals()
		return
	}
	if level != "" {
		c.addOwn(kindSet, "BEGIN ISOLATION LEVEL "+level.SQL())
	} else {
		c.addOwn(kindSet, "BEGIN")
	}
	c.addOwn(kindSet, "SET LOCAL search_path = "+searchPath(c.schema, c.tail))
	c.settings = settings{lock: c.work.LockTimeout}
	c.limits(settings{c.work.LockTimeout, c.work.StatementTimeout})
}

// setLocals makes all settings for the transaction. row_security=off: a body that would silently skip rows fails instead.
func (c *composer) setLocals() {
	c.addOwn(kindSet, "SET LOCAL search_path = "+searchPath(c.schema, c.tail))
	c.settings = settings{c.work.LockTimeout, c.work.StatementTimeout}
	c.addOwn(kindSet, "SET LOCAL lock_timeout = "+milliseconds(c.settings.lock))
	c.addOwn(kindSet, "SET LOCAL statement_timeout = "+milliseconds(c.settings.statement))
	c.addOwn(kindSet, "SET LOCAL row_security = off")
	c.setRequired()
}

// setRequired makes the required settings that role, database or server have otherwise.
func (c *composer) setRequired() {
	for _, s := range c.assignments {
		c.addOwn(kindSet, "SET LOCAL "+s)
	}
}

func (c *composer) body(k int, step engine.Step) {
	c.step = k
	if step.Stamp {
		c.resetAfter(k)
		return
	}
	b := c.bodies(step)
	c.limits(wanted(c.work, step))
	named := c.named(step, b)
	for n, s := range b.statements {
		if named != nil && len(named[n]) > 0 {
			c.addOwn(kindNames, c.names.add(named[n], false))
		}
		c.add(piece{kind: kindBody, part: c.part, step: k, n: n}, s.Text)
		c.sampleAfter(k, b.statements[n:])
		if c.deferred {
			c.addOwn(kindSet, tryDeferred)
			c.addOwn(kindRows, triedDeferred)
		}
	}
	c.resetAfter(k)
}

// named returns the names to check before each statement of a body. Where the body is not parsed, it writes one check of all
// its words.
func (c *composer) named(step engine.Step, b body) [][]need {
	if c.names == nil {
		return nil
	}
	all := bound{step, b.statements}
	before := c.names.of(all, false)
	if before == nil {
		if needs := c.names.rough(all); len(needs) > 0 {
			c.addOwn(kindNames, c.names.add(needs, true))
		}
	}
	return before
}

// limits sets the two timeouts where they differ from those in force.
func (c *composer) limits(want settings) {
	if want.lock != c.settings.lock {
		c.addOwn(kindSet, "SET LOCAL lock_timeout = "+milliseconds(want.lock))
	}
	if want.statement != c.settings.statement {
		c.addOwn(kindSet, "SET LOCAL statement_timeout = "+milliseconds(want.statement))
	}
	c.settings = want
}

// row inserts or deletes the version row.
func (c *composer) row(part *engine.Part, k int, last string) {
	step := part.Steps[k]
	id := step.Revision.ID
	if step.Direction == revision.Down {
		c.addOwn(kindRow, c.table.delete(c.schema, id))
		return
	}
	r := row{
		id:       literal(id),
		duration: since("pg_catalog.statement_timestamp()"), // when the server got the message
		checksum: step.Revision.Checksum(),
		rollout:  c.work.Rollout,
		tool:     c.work.Tool,
	}
	if last != "" {
		r.duration = since(c.table.appliedAt(c.schema, last))
	}
	if step.Stamp {
		r.duration = "0"
	}
	c.addOwn(kindRow, c.table.insert(c.schema, r))
}

func (c *composer) addOwn(k pieceKind, sql string) {
	c.add(piece{kind: k, part: c.part, step: c.step}, sql)
}

// wanted returns the timeouts of a step.
func wanted(work *engine.Work, step engine.Step) settings {
	s := settings{work.LockTimeout, work.StatementTimeout}
	o := step.Revision.Section(step.Direction).Options
	if o.LockTimeout != nil {
		s.lock = *o.LockTimeout
	}
	if o.StatementTimeout != nil {
		s.statement = *o.StatementTimeout
	}
	return s
}

// searchPath is the search path of a tenant, with pg_temp last, which would otherwise come first.
func searchPath(schema string, tail []string) string {
	var path strings.Builder
	path.WriteString(ident(schema))
	for _, t := range tail {
		if t != schema {
			path.WriteString(", " + ident(t))
		}
	}
	path.WriteString(", pg_temp")
	return path.String()
}

// milliseconds rounds up, since 0 means no limit.
func milliseconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Millisecond-1)/time.Millisecond), 10)
}

// marked returns the text with which a check failed; "" for the message of any other error.
func marked(text string) string {
	_, after, found := strings.Cut(text, `skein:`)
	if !found {
		return ""
	}
	if names, isGuard := strings.CutPrefix(after, "guard:"); isGuard {
		names, _, _ = strings.Cut(names, listEnd)
		return markGuard + names
	}
	if names, isCheck := strings.CutPrefix(after, "names:"); isCheck {
		names, _, _ = strings.Cut(names, ";")
		return markNames + names
	}
	end := strings.IndexFunc(after, func(r rune) bool { return r < 'a' || r > 'z' })
	if end < 0 {
		end = len(after)
	}
	return "skein:" + after[:end]
}

func (k pieceKind) String() string {
	return [...]string{"set", "lock", "check", "create", "body", "row", "guard", "end", "commit", "reset", "look", "names", "border"}[k]
}

func (p piece) String() string {
	return fmt.Sprintf("%s part %d step %d statement %d", p.kind, p.part, p.step, p.n)
}
