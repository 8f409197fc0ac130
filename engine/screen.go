package engine

import (
	"context"

	"github.com/skeindb/skein/engine/revision"
)

// Candidate is a tenant that is about to go along a plan.
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
	// Screen returns for each candidate an *Error that says why it is refused, or nil. It changes nothing, asks
	// set-based, and refuses no tenant because it could not ask: what it looks for is looked for again when the
	// plan runs. Tenants that are refused for one reason have equal errors.
	Screen(ctx context.Context, candidates []Candidate) []error
}

// Screen says of each job why its tenant is refused before anything is touched; nil for one that may be upgraded as
// far as it can be seen. A job without a plan, or with one that runs no body, is never refused, and neither is one whose template
// cannot be rendered: Upgrade has the error. The result has the length of jobs.
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

// screenMaxBytes is how many bytes of rendered bodies are held at a time to be screened.
const screenMaxBytes = 64 << 20

// renderedBodies counts the bytes of rendered bodies, those that tenants share once.
type renderedBodies map[*revision.Section]*revision.Statement // the first statement that was counted last

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

// statements are those of a step, of which templates are found among the rendered bodies.
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
