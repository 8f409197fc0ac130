package plan

import (
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine/revision"
)

// KeptDowngrade is the downgrade section of a revision, kept with the plan of the rollout that applied it, so that a
// rollback works when the revision's file is missing.
type KeptDowngrade struct {
	Revision string   `json:"revision"`
	File     string   `json:"file"`
	Line     int      `json:"line"`              // of the section's marker in the file
	Text     string   `json:"text"`              // a revision file with this section, and an empty upgrade section
	Checksum string   `json:"checksum"`          // of the upgrade section, as the rows have it
	Touches  []string `json:"touches,omitempty"` // as in revision.Section
}

// mostKept bounds one section, in bytes: longer ones are not kept.
const mostKept = 1 << 20

// KeepDowngrades stores the downgrade sections of all revisions that an upgrade applies in its plan.
func (p *Plan) KeepDowngrades(g *revision.Graph) {
	if p.Kind != KindUpgrade {
		return
	}
	var steps []string
	for _, c := range p.Cohorts {
		steps = append(steps, without(c.Steps, steps)...)
	}
	p.Downgrades = nil
	for _, id := range g.Sort(steps) {
		r := g.Get(id)
		if down := r.Downgrade; down == nil || down.Raw == "" || len(down.Raw) > mostKept {
			continue
		}
		text := revision.Format(&revision.Revision{ID: id, Revises: r.Revises, DependsOn: g.DependsOn(id), Message: r.Message, Downgrade: r.Downgrade})
		p.Downgrades = append(p.Downgrades, KeptDowngrade{
			Revision: id, File: r.File, Line: r.Downgrade.Line, Text: string(text), Checksum: r.Checksum(), Touches: r.Downgrade.Touches,
		})
	}
}

// WithKept returns the graph with the revisions that it lacks and of which the plan kept the downgrade section; g itself when
// there are none. Such a revision has [revision.Revision.Kept] set and an empty upgrade section. The error says why one of
// them cannot be used, for example because its parent is missing, too.
func (p *Plan) WithKept(g *revision.Graph, dialect revision.Dialect) (*revision.Graph, error) {
	revs := g.All()
	for i := range p.Downgrades {
		if g.Get(p.Downgrades[i].Revision) != nil {
			continue
		}
		r, err := p.Downgrades[i].parse(dialect)
		if err != nil {
			return nil, err
		}
		revs = append(revs, r)
	}
	if len(revs) == g.Len() {
		return g, nil
	}
	return revision.NewGraph(revs)
}

// parse makes a revision of what was kept. Its line numbers are those of the original file.
func (k *KeptDowngrade) parse(dialect revision.Dialect) (*revision.Revision, error) {
	r, err := revision.Parse(k.File, []byte(k.Text), dialect)
	if err != nil {
		return nil, fmt.Errorf("the kept downgrade section of revision %s: %w", k.Revision, err)
	}
	if r.Downgrade == nil {
		return nil, fmt.Errorf("what was kept of revision %s has no downgrade section", k.Revision)
	}
	r.Kept, r.Upgrade.Checksum, r.Downgrade.Touches = true, k.Checksum, k.Touches
	shift := k.Line - r.Downgrade.Line
	r.Downgrade.Line += shift
	for i := range r.Downgrade.Statements {
		r.Downgrade.Statements[i].Line += shift
	}
	return r, nil
}

// carry copies the kept downgrade sections that the plan of a rollback uses into it, so that it can be resumed, and adds a
// note for each.
func (p *Plan) carry(of *Plan, g *revision.Graph) {
	for _, k := range of.Downgrades {
		r := g.Get(k.Revision)
		used := slices.ContainsFunc(p.Cohorts, func(c Cohort) bool { return slices.Contains(c.Steps, k.Revision) })
		if r == nil || !r.Kept || !used {
			continue
		}
		p.Downgrades = append(p.Downgrades, k)
		p.Notes = append(p.Notes, fmt.Sprintf("revision %s is taken down by the downgrade section that rollout %s kept: its file, %s, is not among the revisions here",
			k.Revision, of.Rollout, k.File))
	}
}
