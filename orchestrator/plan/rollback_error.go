package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/internal/words"
)

// IrreversibleError says what of a rollout cannot be taken back.
type IrreversibleError struct {
	Rollout   string
	Revisions []string // without a downgrade section, in graph order
	Files     []string // of Revisions
	Tenants   int      // that would have to go down through one of them
	Others    int      // that can be taken down
	Example   string   // id of one of Tenants
}

func (e *IrreversibleError) Error() string {
	named := make([]string, len(e.Revisions))
	for i, id := range e.Revisions {
		if named[i] = id; e.Files[i] != "" {
			named[i] += " (" + e.Files[i] + ")"
		}
	}
	who := "tenant " + e.Example
	if e.Tenants > 1 {
		who = fmt.Sprintf("%d tenants, for example %s,", e.Tenants, e.Example)
	}
	return fmt.Sprintf("rollout %s cannot be taken back: %s would have to go down through %s, without a downgrade section",
		e.Rollout, who, strings.Join(named, ", "))
}

// Hint says what to do about it.
func (e *IrreversibleError) Hint() string {
	write := "write the section; an empty one is a step that does nothing"
	if e.Others == 0 {
		return write
	}
	return fmt.Sprintf("%s; or take back only the other %s, with --partial", write, words.Tenants(e.Others))
}

// add notes a group that cannot be taken down through the revisions of those ids.
func (e *IrreversibleError) add(g *revision.Graph, ids []string, gr standingGroup) {
	if e.Example == "" {
		e.Example = gr.example
	}
	e.Tenants += gr.count
	e.Revisions = slices.Compact(g.Sort(slices.Concat(e.Revisions, ids)))
	e.Files = make([]string, len(e.Revisions))
	for i, id := range e.Revisions {
		e.Files[i] = g.Get(id).File
	}
}

// BlockedError says that tenants stand so that a rollout cannot be taken back there.
type BlockedError struct {
	Rollout string
	Tenants int
	Others  int     // that can be taken down
	Example string  // id of one of Tenants
	Failure Failure // of the first of them
}

func (e *BlockedError) Error() string {
	who := "tenant " + e.Example
	if e.Tenants > 1 {
		who = fmt.Sprintf("%d tenants, for example %s", e.Tenants, e.Example)
	}
	return fmt.Sprintf("rollout %s cannot be taken back from %s: %s", e.Rollout, who, e.Failure.Message)
}

// Hint says what to do about it.
func (e *BlockedError) Hint() string {
	hint := e.Failure.Hint
	if e.Failure.Class == engine.Checksum {
		hint = "restore the file, or go on nevertheless with --allow-changed"
	}
	if e.Others > 0 {
		hint += fmt.Sprintf("; or take back only the other %s, with --partial", words.Tenants(e.Others))
	}
	return hint
}

// add notes a group that cannot be taken down.
func (e *BlockedError) add(why *Failure, gr standingGroup) {
	if e.Tenants == 0 {
		e.Example, e.Failure = gr.example, *why
	}
	e.Tenants += gr.count
}

// RollbackError says that a rollout is none that could be taken back.
type RollbackError struct {
	Rollout string
	Kind    Kind
}

func (e *RollbackError) Error() string {
	return fmt.Sprintf("rollout %s is a %s: only an upgrade can be rolled back", e.Rollout, e.Kind)
}

// Hint says what to do about it.
func (e *RollbackError) Hint() string {
	if e.Kind == KindStamp {
		return "`skein stamp` records where the tenants were before"
	}
	return "`skein upgrade` brings the tenants up again"
}
