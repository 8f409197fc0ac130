package engine

import (
	"context"

	"github.com/skeindb/skein/engine/revision"
)

// Candidate is a tenant in which a plan is about to run.
type Candidate struct {
	Location Location
	Standing Standing
	Plan     *Plan                                      // with at least one body; shared by the tenants of a cohort
	Bodies   map[*revision.Section][]revision.Statement // rendered template bodies; nil when there are none
}

// Statements returns the statements of a step: none for a stamp.
func (c *Candidate) Statements(s Step) []revision.Statement { return statements(c.Bodies, s) }

// Screener is a [Database] that can say, before anything is touched, in which tenants a plan must not run.
type Screener interface {
	// Screen returns for each candidate an *Error that says why it is refused, or nil. It changes nothing, asks set-based,
	// and refuses no tenant because it could not ask: the plan checks the same again when it runs. Tenants that are
	// refused for one reason have equal errors.
	Screen(ctx context.Context, candidates []Candidate) []error
}

// Screen says for each job, before anything is touched, why the plan must not run in its tenant; nil where it may, as far as
// can be found out. A job without a plan, or with one that runs no body, is never refused, and neither is one whose template
// cannot be rendered: Apply has that error. The result has the length of jobs.
func (e *Engine) Screen(ctx context.Context, jobs []Job) []error {
	refused := make([]error, len(jobs))
	screener, ok := e.db.(Screener)
	if !ok {
		return refused
	}
	var candidates []Candidate
	var of []int
	size, counted := 0, renderedBodies{}
	ask := func() {
		if len(candidates) == 0 {
			return
		}
		for k, err := range screener.Screen(ctx, candidates) {
			refused[of[k]] = err
		}
		candidates, of, size, counted = nil, nil, 0, renderedBodies{}
	}
	for i, job := range jobs {
		if job.Plan == nil || !job.Plan.bodies() {
			continue
		}
		bodies, err := e.render(job)
		if err != nil {
			continue
		}
		candidates = append(candidates, Candidate{Location: job.Location, Standing: job.Standing, Plan: job.Plan, Bodies: bodies})
		of = append(of, i)
		if size += counted.add(bodies); size > screenMaxBytes {
			ask()
		}
	}
	ask()
	return refused
}

// screenMaxBytes bounds the rendered bodies that are held in memory at a time.
const screenMaxBytes = 64 << 20

// renderedBodies counts the bytes of rendered bodies, each shared one once: section → first statement of the body counted last.
type renderedBodies map[*revision.Section]*revision.Statement

func (h renderedBodies) add(bodies map[*revision.Section][]revision.Statement) int {
	n := 0
	for sec, statements := range bodies {
		if len(statements) == 0 || h[sec] == &statements[0] {
			continue
		}
		h[sec] = &statements[0]
		for _, s := range statements {
			n += len(s.Text)
		}
	}
	return n
}

// statements returns those of a step; for a template from the rendered bodies.
func statements(bodies map[*revision.Section][]revision.Statement, s Step) []revision.Statement {
	if s.Stamp {
		return nil
	}
	sec := s.Revision.Section(s.Direction)
	if sec.Options.Template {
		return bodies[sec]
	}
	return sec.Statements
}
