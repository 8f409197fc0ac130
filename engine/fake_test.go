package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine/revision"
)

// fake is a Database with one tenant, in memory. It keeps the contract of the interfaces, demands of the
// engine that it does too, and lets the next calls go as turns and answers say.
type fake struct {
	t    rapid.TB
	rows map[string]string // what is applied, and its checksum
	mark SchemaID

	turns   []turn        // of the next calls of Apply and ApplyNoTx; after the last all goes well
	opening []error       // of the next calls of Open
	asking  []error       // of the next calls of ResolveInDoubt
	then    func(f *fake) // what another session does before ResolveInDoubt has the lock

	log      []string // what was called
	works    []Work   // what Apply and ApplyNoTx were handed
	ours     []string // ids of the steps that sessions of the engine committed, in order
	sessions []*fakeSession
	bound    time.Time // until when the last ResolveInDoubt may poll
}

// turn is how one call of Apply or ApplyNoTx goes.
type turn struct {
	meanwhile func(f *fake) // what another session does before ours has the lock
	parts     int           // parts that are committed before err
	hidden    int           // parts after those that are committed, too, where err is Uncertain and all that we hear
	err       error
}

type fakeSession struct {
	*fake
	lost   bool // after an uncertain commit
	closes int
}

func newFake(t rapid.TB, applied ...string) *fake {
	f := &fake{t: t, rows: map[string]string{}, mark: SchemaID{SchemaOID: 4711, HasTable: len(applied) > 0}}
	for _, id := range applied {
		f.rows[id] = ""
	}
	return f
}

func (f *fake) Survey(_ context.Context, locations []Location, _ string) []Standing {
	standings := make([]Standing, len(locations))
	for i := range standings {
		standings[i] = Standing{Applied: f.applied(), SchemaID: f.mark}
	}
	return standings
}

func (f *fake) Close() error { return nil }

func (f *fake) applied() *Applied {
	a := &Applied{}
	for _, id := range slices.Sorted(maps.Keys(f.rows)) {
		a.Rows = append(a.Rows, Row{Revision: id, Checksum: f.rows[id]})
	}
	return a
}

// standing is where the tenant is: its ids, sorted, in one text.
func (f *fake) standing() string { return strings.Join(f.applied().IDs(), " ") }

func (f *fake) Open(ctx context.Context, _ Location) (Session, error) {
	f.log = append(f.log, "open")
	if err := pop(&f.opening); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, &Error{Class: Canceled, Message: "canceled", Err: ctx.Err()}
	}
	if n := len(f.sessions); n > 0 && f.sessions[n-1].closes == 0 {
		f.t.Error("a second session is opened before the first is closed")
	}
	s := &fakeSession{fake: f}
	f.sessions = append(f.sessions, s)
	return s, nil
}

func (s *fakeSession) Apply(ctx context.Context, work Work) (int, error) {
	s.log = append(s.log, "apply "+describe(work.Parts))
	for _, part := range work.Parts {
		if part.NoTx {
			s.t.Error("a no-transaction part is handed to Apply")
		}
	}
	return s.apply(ctx, work)
}

func (s *fakeSession) ApplyNoTx(ctx context.Context, work Work) error {
	s.log = append(s.log, "outside "+describe(work.Parts))
	if len(work.Parts) != 1 || len(work.Parts[0].Steps) != 1 || !work.Parts[0].NoTx {
		s.t.Errorf("ApplyNoTx is handed %s", describe(work.Parts))
	}
	_, err := s.apply(ctx, work)
	return err
}

func (s *fakeSession) apply(ctx context.Context, work Work) (int, error) {
	s.usable()
	s.works = append(s.works, work)
	turn := pop(&s.turns)
	if turn.meanwhile != nil {
		turn.meanwhile(s.fake)
	}
	if ctx.Err() != nil {
		return 0, &Error{Class: Canceled, Message: "canceled", Err: ctx.Err()}
	}
	if work.SchemaID != s.mark {
		return 0, &Error{Class: Stale, Message: "another mark"}
	}
	for i, part := range work.Parts {
		if s.standing() != strings.Join(part.Before, " ") {
			return i, &Error{Class: Stale, Message: "not at Before"}
		}
		if turn.err != nil && i == turn.parts {
			if s.lost = classOf(turn.err) == Uncertain; s.lost {
				for _, part := range work.Parts[i:min(i+turn.hidden, len(work.Parts))] {
					s.commit(part)
				}
			}
			return i, turn.err
		}
		s.commit(part)
	}
	return len(work.Parts), nil
}

func (s *fakeSession) commit(part Part) {
	for _, step := range part.Steps {
		s.ours = append(s.ours, step.Revision.ID)
	}
	s.do(part)
}

// do changes the tenant as a part does.
func (f *fake) do(part Part) {
	f.mark.HasTable = true
	for _, step := range part.Steps {
		id := step.Revision.ID
		switch _, found := f.rows[id]; {
		case step.Direction == revision.Down && !found, step.Direction == revision.Up && found:
			f.t.Errorf("%s %s, and the tenant stands at [%s]", step.Direction, id, f.standing())
		case step.Direction == revision.Down:
			delete(f.rows, id)
		default:
			f.rows[id] = step.Revision.Checksum()
		}
	}
}

func (s *fakeSession) ResolveInDoubt(ctx context.Context) (*Applied, SchemaID, error) {
	s.log = append(s.log, "settle")
	s.usable()
	var bounded bool
	if s.bound, bounded = ctx.Deadline(); !bounded {
		s.t.Error("ResolveInDoubt has no bound")
	}
	if s.then != nil {
		s.then(s.fake)
	}
	if ctx.Err() != nil {
		return nil, SchemaID{}, &Error{Class: Canceled, Message: "canceled", Err: ctx.Err()}
	}
	if err := pop(&s.asking); err != nil {
		return nil, SchemaID{}, err
	}
	return s.applied(), s.mark, nil
}

func (s *fakeSession) usable() {
	if s.closes > 0 || s.lost {
		s.t.Errorf("a session is used that was closed %d times; lost: %v", s.closes, s.lost)
	}
}

func (s *fakeSession) Close() {
	s.log = append(s.log, "close")
	s.closes++
}

// upgrade runs a job and looks whether each session was closed once.
func (f *fake) upgrade(ctx context.Context, e *Engine, job Job) (Result, error) {
	f.t.Helper()
	result, err := e.Apply(ctx, job)
	for i, s := range f.sessions {
		if s.closes != 1 {
			f.t.Errorf("session %d of %d was closed %d times", i+1, len(f.sessions), s.closes)
		}
	}
	if classOf(err) == Uncertain {
		f.t.Errorf("the error is of class uncertain: %v", err)
	}
	return result, err
}

// calls is the log of a test that began with an empty one, in one text.
func (f *fake) calls() string { return strings.Join(f.log, ", ") }

// pop takes the first of list; the zero value when there is none.
func pop[T any](list *[]T) (first T) {
	if len(*list) > 0 {
		first, *list = (*list)[0], (*list)[1:]
	}
	return first
}

// classOf returns the class of an *Error; "" for nil and for what is none.
func classOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return ""
}

// describe writes the ids of parts: those of one part with a + between.
func describe(parts []Part) string {
	var texts []string
	for _, part := range parts {
		var ids []string
		for _, step := range part.Steps {
			ids = append(ids, step.Revision.ID)
		}
		texts = append(texts, strings.Join(ids, "+"))
	}
	return strings.Join(texts, " ")
}

// line makes a graph in which each revision revises the one before it; behind an id may stand the options
// of both its sections: "b2 own-transaction".
func line(t rapid.TB, specs ...string) *revision.Graph {
	t.Helper()
	files, before := fstest.MapFS{}, "none"
	for _, spec := range specs {
		id, options, _ := strings.Cut(spec, " ")
		if options != "" {
			options = ": " + options
		}
		text := fmt.Sprintf("-- revision: %s\n-- revises: %s\n\n-- upgrade%s\nVACUUM;\n\n-- downgrade%s\nVACUUM;\n", id, before, options, options)
		if !strings.HasPrefix(options, ": no-transaction") {
			text = strings.ReplaceAll(text, "VACUUM", "SELECT 1")
		}
		files[id+"_test.sql"], before = &fstest.MapFile{Data: []byte(text)}, id
	}
	g, err := revision.Load(files, revision.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// steps are the revisions of g with these ids, in this order; without ids all of g.
func steps(g *revision.Graph, ids ...string) []*revision.Revision {
	if len(ids) == 0 {
		return g.All()
	}
	var revs []*revision.Revision
	for _, id := range ids {
		revs = append(revs, g.Get(id))
	}
	return revs
}

// job plans the way of the tenant, as it stands, over the pending revisions of the engine's graph.
func (f *fake) job(e *Engine) Job {
	s := e.Survey(context.Background(), []Location{{}})[0]
	pending := slices.DeleteFunc(e.Graph().All(), func(r *revision.Revision) bool { return slices.Contains(s.Applied.IDs(), r.ID) })
	return Job{Standing: s, Plan: NewPlan(s.Applied, revision.Up, pending, e.Mode()), Attempt: 1}
}

// applied is a version table with rows of these ids, without checksums.
func applied(ids ...string) *Applied {
	a := &Applied{}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		a.Rows = append(a.Rows, Row{Revision: id})
	}
	return a
}

// QueryEach answers each location with the query; Sizes with its place in the list.
func (f *fake) QueryEach(_ context.Context, locations []Location, query string) []QueryResult {
	f.log = append(f.log, "ask")
	replies := make([]QueryResult, len(locations))
	for i := range replies {
		replies[i] = QueryResult{Text: query, Rows: 1}
	}
	return replies
}

func (f *fake) Sizes(_ context.Context, locations []Location) []int64 {
	f.log = append(f.log, "sizes")
	sizes := make([]int64, len(locations))
	for i := range sizes {
		sizes[i] = int64(i)
	}
	return sizes
}

// Rehearse goes as the next turn says: of its parts those before the failing one ran. A turn that hides parts
// leaves as many at the end untried.
func (s *fakeSession) Rehearse(ctx context.Context, work Work) (Rehearsal, error) {
	s.log = append(s.log, "rehearse "+describe(work.Parts))
	s.usable()
	if n := transactional(work.Parts); n < len(work.Parts) || n == 0 {
		s.t.Errorf("Rehearse is handed %s", describe(work.Parts))
	}
	s.works = append(s.works, work)
	turn := pop(&s.turns)
	if turn.meanwhile != nil {
		turn.meanwhile(s.fake)
	}
	if ctx.Err() != nil {
		return Rehearsal{}, &Error{Class: Canceled, Message: "canceled", Err: ctx.Err()}
	}
	if work.SchemaID != s.mark || s.standing() != strings.Join(work.Parts[0].Before, " ") {
		return Rehearsal{}, &Error{Class: Stale, Message: "not at Before"}
	}
	r := Rehearsal{Duration: time.Second, Locks: []LockUse{{Object: "orders", Mode: "write", For: time.Millisecond}}}
	for i, part := range work.Parts {
		switch {
		case turn.err != nil && i == turn.parts:
			return r, turn.err
		case i >= len(work.Parts)-turn.hidden:
			r.Why = "the border"
			r.Untried = append(r.Untried, part.IDs()...)
		default:
			r.Steps = append(r.Steps, part.IDs()...)
		}
	}
	return r, nil
}
