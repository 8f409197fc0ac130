package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/text"
)

// irreversible collects what of a rollout has no downgrade section.
type irreversible struct {
	graph     *revision.Graph
	revisions []string // in graph order
	tenants   int      // that would have to go down through one of them
	example   string
}

// add notes a group that cannot be taken down through the revisions of those ids.
func (i *irreversible) add(ids []string, gr standingGroup) {
	if i.example == "" {
		i.example = gr.example
	}
	i.tenants += gr.count
	i.revisions = slices.Compact(i.graph.Sort(slices.Concat(i.revisions, ids)))
}

func (i *irreversible) err(rollout string, others int) *Error {
	named := make([]string, len(i.revisions))
	for k, id := range i.revisions {
		named[k] = id
		if file := i.graph.Get(id).File; file != "" {
			named[k] += " (" + file + ")"
		}
	}
	who := "tenant " + i.example
	if i.tenants > 1 {
		who = fmt.Sprintf("%d tenants, for example %s,", i.tenants, i.example)
	}
	return &Error{
		Reason: ReasonIrreversible, Rollout: rollout, Tenants: i.tenants, Example: i.example, Others: others, Revisions: i.revisions,
		Message: fmt.Sprintf("rollout %s cannot be taken back: %s would have to go down through %s, without a downgrade section",
			rollout, who, strings.Join(named, ", ")),
		Advice: "write the section; an empty one is a step that does nothing" + orPartial(others),
	}
}

// blocked collects tenants that stand so that a rollout cannot be taken back there.
type blocked struct {
	tenants int
	example string
	failure Failure // of the first of them
}

// add notes a group that cannot be taken down.
func (b *blocked) add(why *Failure, gr standingGroup) {
	if b.tenants == 0 {
		b.example, b.failure = gr.example, *why
	}
	b.tenants += gr.count
}

func (b *blocked) err(rollout string, others int) *Error {
	who := "tenant " + b.example
	if b.tenants > 1 {
		who = fmt.Sprintf("%d tenants, for example %s", b.tenants, b.example)
	}
	advice := b.failure.Hint
	if b.failure.Class == engine.Checksum {
		advice = "restore the file, or continue with `AllowChanged`"
	}
	return &Error{
		Reason: ReasonBlocked, Rollout: rollout, Tenants: b.tenants, Example: b.example, Others: others,
		Message: fmt.Sprintf("rollout %s cannot be taken back from %s: %s", rollout, who, b.failure.Message),
		Advice:  advice + orPartial(others),
	}
}

// orPartial ends the advice of a rollback that other tenants can have.
func orPartial(others int) string {
	if others == 0 {
		return ""
	}
	return fmt.Sprintf("; or take back only the other %s, with `Partial`", text.Count(others, "tenant"))
}
