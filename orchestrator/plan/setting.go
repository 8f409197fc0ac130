package plan

import (
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/text"
)

// valueShown bounds a value in a difference, in bytes.
const valueShown = 200

// options are the options of the sections that the plan runs: how a body runs is part of the result.
func (p *Plan) options(g *revision.Graph) []Setting {
	var all []Setting
	seen := map[string]bool{}
	for i := range p.Cohorts {
		for _, id := range p.Cohorts[i].Steps {
			r := g.Get(id)
			if r == nil || seen[id] || p.Kind == KindStamp {
				continue
			}
			seen[id] = true
			if s := r.Section(p.Direction()); s != nil && s.Options.String() != "" {
				all = append(all, Setting{Of: "revision " + id, Key: "options", Value: s.Options.String()})
			}
		}
	}
	slices.SortFunc(all, func(a, b Setting) int { return slices.Compare([]string{a.Of}, []string{b.Of}) })
	return all
}

// otherSettings returns which settings differ, a line each.
func (p *Plan) otherSettings(now *Plan) []string {
	type name struct{ of, key string }
	is := make(map[name]string, len(now.Settings))
	for _, s := range now.Settings {
		is[name{s.Of, s.Key}] = s.Value
	}
	var lines []string
	then := make(map[name]bool, len(p.Settings))
	for _, was := range p.Settings {
		then[name{was.Of, was.Key}] = true
		if text, there := is[name{was.Of, was.Key}]; !there || text != was.Value {
			lines = append(lines, was.differs(text, there))
		}
	}
	for _, s := range now.Settings {
		if !then[name{s.Of, s.Key}] {
			lines = append(lines, fmt.Sprintf("%s was not set, and is %s", s.title(), text.Cut(text.OneLine(s.Value), valueShown)))
		}
	}
	return lines
}

// differs returns a line on a setting that has another value now, or none.
func (s *Setting) differs(now string, there bool) string {
	was, is := text.Cut(text.OneLine(s.Value), valueShown), text.Cut(text.OneLine(now), valueShown)
	switch {
	case !there:
		is = "not set"
	case was == is:
		return fmt.Sprintf("%s changed, in white space or behind what is shown of it: %s", s.title(), is)
	}
	return fmt.Sprintf("%s was %s, and is %s", s.title(), was, is)
}

func (s *Setting) title() string {
	if s.Of == "" {
		return s.Key
	}
	return s.Of + ": " + s.Key
}
