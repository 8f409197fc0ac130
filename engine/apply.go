package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/engine/revision"
)

// Job is one tenant to upgrade, downgrade or stamp.
type Job struct {
	Location Location
	Standing Standing
	Plan     *Plan
	Attempt  int    // 1 for the first; a later one waits longer for locks
	Rollout  string // recorded with each row
	Data     any    // what templates see
}

// Result is the outcome of a job, also of one that failed.
type Result struct {
	Done     []string      // ids of the steps that this call committed, in order
	Notices  []Notice      // the last ones of the server, in order; at most NoticesKept
	InDoubt  bool          // it is not known whether steps after Done were committed: the connection was lost, and the tenant could not be asked
	Resolved bool          // the tenant was asked where it stands: it was not where the plan said, or a commit was uncertain
	Duration time.Duration // of the call
}

// maxResolves bounds how often one call asks the tenant where it stands before it gives up as stale.
const maxResolves = 3

// Apply upgrades, downgrades or stamps one tenant along its plan, and returns what it committed.
//
// It may be called again for the same job after any error: a tenant that already stands at a later part of the plan
// continues from there, one that stands at its end is done, and one that stands anywhere else is Stale and left alone. The
// error is an *Error, never of class Uncertain: after a lost commit the tenant is asked, under its lock, or Result.InDoubt is
// set and the error says why it could not be asked.
//
// It may be called for several tenants at once. Of several calls for one tenant, the tenant's lock lets one through at a
// time; the others are Busy, or continue from where the first stopped.
func (e *Engine) Apply(ctx context.Context, job Job) (Result, error) {
	start := time.Now()
	r, err := e.prepare(job)
	if err != nil {
		return Result{}, err
	}
	defer r.close()
	err = r.applyAll(ctx)
	r.result.Duration = time.Since(start)
	return r.result, err
}

// prepare checks a job and renders its templates, before a connection is opened.
func (e *Engine) prepare(job Job) (*run, error) {
	if len(job.Standing.Changed) > 0 && !e.cfg.AllowChanged && job.Plan.bodies() {
		return nil, e.changedError(job.Standing.Changed[0])
	}
	for i := range job.Plan.Parts {
		if err := job.Plan.Parts[i].Blocked(job.Standing.CutOff); err != nil {
			return nil, err
		}
	}
	bodies, err := e.render(job)
	if err != nil {
		return nil, err
	}
	planned := job.Plan
	job.Plan = e.borders(planned)
	return &run{engine: e, job: job, planned: planned, schemaID: job.Standing.SchemaID, bodies: bodies}, nil
}

func (e *Engine) changedError(id string) error {
	return &Error{
		Class:    Checksum,
		Revision: id,
		File:     e.graph.Get(id).File,
		Message:  "the upgrade section changed since it was applied to this tenant",
		Advice:   "restore the file and put the change into a new revision; or accept it, with `AllowChanged` once or with `Stamp` for good",
	}
}

// render splits the template bodies of the plan for this tenant, before anything is touched.
func (e *Engine) render(job Job) (map[*revision.Section][]revision.Statement, error) {
	var bodies map[*revision.Section][]revision.Statement
	for _, part := range job.Plan.Parts {
		for _, step := range part.Steps {
			if step.Stamp {
				continue
			}
			sec := step.Revision.Section(step.Direction)
			if !sec.Options.Template {
				continue
			}
			statements, err := e.rendered.Render(sec, job.Data)
			if err != nil {
				return nil, templateError(step.Revision, err)
			}
			if bodies == nil {
				bodies = map[*revision.Section][]revision.Statement{}
			}
			bodies[sec] = statements
		}
	}
	return bodies, nil
}

func templateError(r *revision.Revision, err error) error {
	e := &Error{Class: Revision, Revision: r.ID, File: r.File, Message: "template: " + err.Error(), Err: err}
	if at, ok := errors.AsType[*revision.FileError](err); ok {
		e.Line, e.Col, e.Message, e.Advice = at.Line, at.Col, "template: "+at.Message, at.Advice
	}
	return e
}

// run is one call of Apply or Rehearse. It is used by one goroutine.
type run struct {
	engine   *Engine
	job      Job
	planned  *Plan // the caller's; job.Plan may be split further
	schemaID SchemaID
	bodies   map[*revision.Section][]revision.Statement

	sess     Session // nil between connections
	next     int     // index of the first part that is not known to be committed
	sent     int     // index after the last part that was handed to a session
	resolves int     // how often the tenant was asked where it stands
	result   Result
}

func (r *run) applyAll(ctx context.Context) error {
	for r.next < len(r.job.Plan.Parts) {
		err := r.applyNext(ctx)
		if err == nil {
			continue
		}
		e, ok := errors.AsType[*Error](err)
		if ok && r.split(e) {
			continue
		}
		if !ok || (e.Class != Stale && e.Class != Uncertain) {
			return err
		}
		if err := r.resolveInDoubt(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// applyNext applies the parts from next on, up to the next border between transactional and not.
func (r *run) applyNext(ctx context.Context) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	parts := r.job.Plan.Parts[r.next:]
	n := transactional(parts)
	if n == 0 {
		r.sent = r.next + 1
		if err := r.sess.ApplyNoTx(ctx, r.work(parts[:1])); err != nil {
			return err
		}
		r.committed(1)
		return nil
	}
	r.sent = r.next + n
	committed, err := r.sess.Apply(ctx, r.work(parts[:n]))
	r.committed(committed)
	return err
}

// transactional returns how many parts there are before the first that is outside a transaction.
func transactional(parts []Part) int {
	if n := slices.IndexFunc(parts, func(p Part) bool { return p.NoTx }); n >= 0 {
		return n
	}
	return len(parts)
}

func (r *run) work(parts []Part) Work {
	return Work{
		SchemaID:         r.schemaID,
		Parts:            parts,
		Bodies:           r.bodies,
		LockTimeout:      r.engine.lockTimeout(r.job.Attempt),
		StatementTimeout: r.engine.cfg.StatementTimeout,
		Rollout:          r.job.Rollout,
		Of:               r.job.Plan.Of,
		Tool:             r.engine.cfg.Tool,
		Notice:           func(n Notice) { r.result.Notices = LastNotices(r.result.Notices, n) },
	}
}

// committed records that this call committed the next n parts.
func (r *run) committed(n int) {
	for _, part := range r.job.Plan.Parts[r.next : r.next+n] {
		r.result.Done = append(r.result.Done, part.IDs()...)
	}
	if n > 0 {
		r.schemaID.HasTable = true
	}
	r.next += n
}

// resolveInDoubt asks the tenant, under its lock, where it stands, and sets next accordingly. Until there is an answer, the
// outcome of an uncertain commit is unknown.
func (r *run) resolveInDoubt(ctx context.Context, cause *Error) error {
	r.result.InDoubt = cause.Class == Uncertain
	if r.resolves++; r.resolves > maxResolves {
		return stillInDoubt(cause)
	}
	r.result.Resolved = true
	if cause.Class == Uncertain {
		r.close() // the old connection is lost, or in an unknown state
	}
	applied, mark, err := r.standing(ctx)
	if err == nil {
		err = r.sameSchema(mark)
	}
	if e, ok := errors.AsType[*Error](err); err == nil || ok && e.Class == Gone {
		r.result.InDoubt = false
	}
	if err != nil {
		return err
	}
	r.schemaID = mark
	return r.resumeAt(cause, applied)
}

func (r *run) standing(ctx context.Context) (*Applied, SchemaID, error) {
	if err := r.open(ctx); err != nil {
		return nil, SchemaID{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, r.engine.cfg.ResolveTimeout)
	defer cancel()
	return r.sess.ResolveInDoubt(bounded)
}

// sameSchema fails where the schema is not the one that was surveyed.
func (r *run) sameSchema(now SchemaID) error {
	if now.SchemaOID == r.schemaID.SchemaOID {
		return nil
	}
	return &Error{
		Class:   Gone,
		Message: fmt.Sprintf("%s is no longer the schema that was surveyed: it was dropped and created again, or renamed", r.job.Location),
		Advice:  "run again: the tenant is then surveyed again",
	}
}

// resumeAt finds the part that begins where the tenant stands.
func (r *run) resumeAt(cause *Error, applied *Applied) error {
	parts, have := r.job.Plan.Parts, applied.IDs()
	for k := r.next; k < len(parts); k++ {
		if slices.Equal(parts[k].Before, have) {
			r.committedUpTo(k, cause)
			return r.otherRollout(applied)
		}
	}
	if slices.Equal(parts[len(parts)-1].After, have) {
		r.committedUpTo(len(parts), cause)
		return nil
	}
	return r.stale(cause, have)
}

// otherRollout fails where a revision that is still to be downgraded was not applied by the rollout that is rolled back.
func (r *run) otherRollout(applied *Applied) error {
	of := r.job.Plan.Of
	for _, part := range r.job.Plan.Parts[r.next:] {
		if others := part.Others(applied, of); len(others) > 0 {
			return otherRolloutError(others[0], of, applied)
		}
	}
	return nil
}

func otherRolloutError(id, of string, applied *Applied) *Error {
	by := "without a rollout"
	at := slices.IndexFunc(applied.Rows, func(r Row) bool { return r.Revision == id && r.Rollout != "" })
	if at >= 0 {
		by = "by rollout " + applied.Rows[at].Rollout
	}
	return &Error{
		Class:    Stale,
		Revision: id,
		Message:  fmt.Sprintf("revision %s was applied %s, not by %s, which is rolled back: it is left as it is", id, by, of),
		Advice:   "the tenant changed in the meantime: run `Rollback(" + of + ")` again to plan by its rows",
	}
}

// committedUpTo moves next to k. Only parts of an uncertain commit of this call count as committed by it.
func (r *run) committedUpTo(k int, cause *Error) {
	if cause.Class == Uncertain {
		r.committed(min(k, r.sent) - r.next)
	}
	r.next = k
}

// stillInDoubt is the error of a call that has asked maxResolves times. The outcome of a lost commit stays open until a later
// call asks the tenant.
func stillInDoubt(cause *Error) error {
	if cause.Class == Uncertain {
		return &Error{Class: Connection, SQLState: cause.SQLState, Message: cause.Message, Advice: cause.Advice, Err: cause}
	}
	return &Error{Class: Stale, Message: "the tenant keeps changing while the plan runs: " + cause.Message, Err: cause}
}

func (r *run) stale(cause error, have []string) error {
	return &Error{
		Class: Stale,
		Message: fmt.Sprintf("the tenant does not stand where the plan says: applied are [%s], planned from [%s]",
			strings.Join(have, " "), strings.Join(r.job.Plan.Parts[r.next].Before, " ")),
		Advice: "another process changed it in the meantime; run again to make a new plan",
		Err:    cause,
	}
}

func (r *run) open(ctx context.Context) error {
	if r.sess != nil {
		return nil
	}
	s, err := r.engine.db.Open(ctx, r.job.Location)
	if err != nil {
		return err
	}
	r.sess = s
	return nil
}

func (r *run) close() {
	if r.sess != nil {
		r.sess.Close()
		r.sess = nil
	}
}
