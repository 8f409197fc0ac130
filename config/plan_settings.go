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

// onlyPace are the keys of rollout that change only its speed. They may differ between machines.
var onlyPace = []string{"rollout.concurrency", "rollout.per_server"}

// affectsRollout reports whether a key affects what a rollout does to tenants, so that a plan file records its value:
// waves, gates, budgets, retries, timeouts, transactions, guards, pins and the search path. Sources and servers do not:
// the plan lists the tenants themselves.
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

// PlanSettings returns the effective settings, and values of -x, that affect what a rollout does; a plan file records them.
// Texts that may contain secrets (URLs, headers, arguments of programs, values of -x) are replaced by digests, and secrets
// with env, file or exec by that reference. Entries of lists are identified by their names where they have one.
func (p *Project) PlanSettings() []plan.Setting {
	names := p.entryNames()
	var all []plan.Setting
	for _, set := range p.settings {
		if set.plan == "" || set.isEntryName() {
			continue // the name is part of the keys of its entry
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

// entryNames returns the names of entries of lists by path.
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

// digest returns a digest of a text that must not be shown. It is salted with the name of the fleet; a short text can
// still be guessed from it.
func (p *Project) digest(text string) string {
	sum := sha256.Sum256([]byte(p.Fleet + "\x00" + text))
	return "sha256:" + hex.EncodeToString(sum[:8])
}

// planText returns a value as a plan file records it; "" when the key does not affect a rollout.
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

// openText returns a value as written. If `config show` redacts part of it, a digest is appended.
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

// secretText returns the reference of a secret, or a digest when its value is in the config.
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

// programText returns a program with a digest of its arguments, which may contain tokens.
func (p *Project) programText(argv []string) string {
	if len(argv) < 2 {
		return strings.Join(argv, "")
	}
	text, _ := json.Marshal(argv) // a list of texts
	return fmt.Sprintf("%s, arguments %s", argv[0], p.digest(string(text)))
}
