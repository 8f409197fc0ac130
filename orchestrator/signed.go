package orchestrator

import (
	"io"
)

// WritePlan writes a plan as a file that people review and [ReadPlan] reads: JSON, with a checksum over all
// that is in it, among which are the graph and where every tenant stood.
func WritePlan(w io.Writer, p *Plan) error { panic("not built") }

// ReadPlan reads what [WritePlan] wrote. A file that was changed since is an error.
func ReadPlan(r io.Reader) (*Plan, error) { panic("not built") }

// Differences says in what a plan made now differs from an earlier one for the same request: revisions that
// changed, tenants that are new, gone or stand elsewhere, waves and gates. At most a few lines for people;
// none when carrying out either does the same. Ids and times of the two do not count.
func (p *Plan) Differences(now *Plan) []string { panic("not built") }
