package orchestrator

import (
	"context"
)

// Heed carries out what operators asked of a rollout that no process runs: it takes the commands that are not
// taken in yet into the facts, and returns the report after them. The caller knows that nobody runs it, having
// the fleet's lock. What only a run can do, such as passing a gate that was approved, is left for the next run.
func Heed(ctx context.Context, store Store, rollout string) (*Report, error) {
	panic("not built")
}
