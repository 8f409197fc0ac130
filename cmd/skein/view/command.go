package view

import "github.com/skeindb/skein/orchestrator/rollout"

// Command is the command that does what is next of a rollout; "" for nothing.
func Command(n rollout.Next) string {
	if n.IsZero() {
		return ""
	}
	return "skein rollout " + string(n.Action) + " " + n.Rollout
}
