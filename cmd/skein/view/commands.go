package view

import (
	"regexp"
	"strings"
)

// named is a name of the library in a text, with its argument: `Resume(r1)`.
var named = regexp.MustCompile("`([A-Z][A-Za-z]+)(?:\\(([^)`]*)\\))?`")

// Commands puts the words of the command line in place of the names of the library: hints of the library say what to do
// as a program does, `Resume(r1)`, and people at a terminal read `skein rollout resume r1`. Other names stay.
func Commands(text string) string {
	if !strings.Contains(text, "`") {
		return text
	}
	return named.ReplaceAllStringFunc(text, func(name string) string {
		m := named.FindStringSubmatch(name)
		if flag, ok := flagOf[m[1]]; ok {
			return flag
		}
		command, ok := commandOf[m[1]]
		if !ok {
			return name
		}
		if m[2] != "" {
			command += " " + m[2]
		}
		return "`skein " + command + "`"
	})
}

// AllCommands is [Commands] of each text.
func AllCommands(texts []string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = Commands(text)
	}
	return all
}

// commandOf has the commands for the names of the library.
var commandOf = map[string]string{
	"Plan": "plan", "Upgrade": "upgrade", "UpgradeTo": "upgrade", "Downgrade": "downgrade", "Stamp": "stamp",
	"Resume": "rollout resume", "Retry": "rollout retry", "Rollback": "rollout rollback", "Approve": "rollout approve",
	"Pause": "rollout pause", "Abort": "rollout abort", "Skip": "rollout skip", "Show": "rollout show", "List": "rollout list",
	"Tenants": "tenants", "Current": "current", "Lint": "check", "Fix": "check --fix", "Write": "plan -o FILE",
	"History": "history", "Heads": "heads", "Merge": "merge", "Revision": "revision -m MESSAGE",
}

// flagOf has the flags for the names of the library.
var flagOf = map[string]string{
	"AllowChanged": "--allow-changed", "Partial": "--partial", "Terminate": "--terminate", "Canary": "--canary", "Only": "`--wave NAME`",
}
