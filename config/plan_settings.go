package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// onlyPace are the keys below rollout that say how fast it goes, and not what happens: they may differ from machine to
// machine.
var onlyPace = []string{"rollout.concurrency", "rollout.per_server"}

// decides reports whether a key has a say in what a rollout does to tenants, so that a plan file holds its value: how
// waves, gates, budgets, retries, timeouts, transactions, guards, pins and the search path are. Where tenants and
// servers are found is not among it: the plan has the tenants themselves.
func affectsRollout(at path) bool {
	switch at[0] {
	case "rollout":
		return !slices.Contains(onlyPace, at.String())
	case "guards", "pins":
		return true
	case "servers":
		return at[len(at)-1] == "search_path"
	}
	return at.String() == "state.version_table"
}

// PlanSettings returns what of the effective config, and of -x, decides what a rollout does, for a plan file to hold. Texts
// that may carry secrets (URLs, headers, arguments of programs, values of -x) are there as digests; of a secret that
// stands elsewhere, where that is. Entries of lists that have names go by these.
func (p *Project) PlanSettings() []plan.Setting {
	names := p.entryNames()
	var all []plan.Setting
	for _, set := range p.settings {
		if set.plan == "" || set.isEntryName() {
			continue // a name is in the keys of its entry
		}
		at := slices.Clone(set.path)
		for i := range at {
			if name, ok := names[set.path[:i+1].String()]; ok {
				at[i] = "[" + name + "]"
			}
		}
		s := plan.Setting{Key: at.String(), Value: set.plan}
		if len(at) > 4 && at[1] == "waves" && at[3] == "gate" {
			s.Of, s.Key = "the gate of wave "+strings.Trim(at[2], "[]"), at[4:].String()
		}
		all = append(all, s)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Vars)) {
		all = append(all, plan.Setting{Key: "-x " + name, Value: p.digest(p.Vars[name])})
	}
	return all
}

// entryNames are the names of entries of lists that decide something, by their paths.
func (p *Project) entryNames() map[string]string {
	names := map[string]string{}
	for _, set := range p.settings {
		if set.plan != "" && set.isEntryName() {
			names[set.path[:len(set.path)-1].String()] = set.plan
		}
	}
	return names
}

func (s *Setting) isEntryName() bool {
	return s.path.last() == "name" && strings.HasPrefix(s.path[len(s.path)-2], "[")
}

// digest stands for a text that is not to be shown. It differs from fleet to fleet. A short text can be guessed from
// it, like from any digest.
func (p *Project) digest(text string) string {
	sum := sha256.Sum256([]byte(p.Fleet + "\x00" + text))
	return "sha256:" + hex.EncodeToString(sum[:8])
}

// planText is a value as a plan file has it; "" when it does not decide what a rollout does.
func (p *Project) planText(f *field) string {
	switch t := f.shape.key.typ; {
	case !affectsRollout(f.path):
		return ""
	case t.secret != nil:
		return p.secretText(f)
	case t.program:
		return p.programText(f.texts())
	default:
		return p.openText(f)
	}
}

// openText is a value in the open, as it is. Where `config show` hides a part of it, there is a digest beside what is
// shown.
func (p *Project) openText(f *field) string {
	raw := f.node.Value
	switch value := f.value.(type) {
	case time.Duration:
		return value.String()
	case tenant.Selector:
		return raw
	}
	if f.node.Kind == yaml.SequenceNode {
		text, _ := json.Marshal(f.texts()) // a list of texts
		return string(text)
	}
	if shown := RedactURL(raw); shown != raw {
		return shown + " " + p.digest(raw)
	}
	return raw
}

// secretText is where a secret stands, or a digest of what stands in the config itself.
func (p *Project) secretText(f *field) string {
	switch form := formOf(f); form {
	case "":
		text := f.node.Value
		if shown := f.shape.key.typ.secret(text); shown != hidden && shown != text {
			return shown + " " + p.digest(text)
		}
		return p.digest(text)
	case secretExec:
		return form + ": " + p.programText(f.fields[0].texts())
	default:
		return form + ": " + f.fields[0].node.Value
	}
}

// programText is a program with a digest of its arguments: they may hold tokens.
func (p *Project) programText(argv []string) string {
	if len(argv) < 2 {
		return strings.Join(argv, "")
	}
	text, _ := json.Marshal(argv) // a list of texts
	return fmt.Sprintf("%s, arguments %s", argv[0], p.digest(string(text)))
}
