package view

import (
	"github.com/skeindb/skein/orchestrator/plan"
)

// Command is the command that does what a value of the library says is next; "" for nothing.
func Command(n plan.Next) string {
	command := ""
	switch n.Do {
	case plan.DoPlan:
		return "skein plan -o FILE"
	case plan.DoUpgrade, plan.DoStamp:
		command = "skein " + string(n.Do)
	case plan.DoResume, plan.DoApprove, plan.DoRollback:
		command = "skein rollout " + string(n.Do) + " " + n.Rollout
	default:
		return ""
	}
	if n.Partial {
		command += " --partial"
	}
	if n.AllowChanged {
		command += " --allow-changed"
	}
	return command
}

// Hint is advice in words with the command that carries it out.
func Hint(text string, n plan.Next) string {
	command := Command(n)
	switch {
	case command == "":
		return text
	case text == "":
		return "`" + command + "`"
	}
	return text + ": `" + command + "`"
}
