package discover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/tenant"
)

// patterns excludes names and records which patterns matched any. The catalog has already applied the include patterns;
// it does not exclude, so that an exclude pattern that matches nothing is noticed: a mistyped one would let a template or
// a schema of another application be upgraded.
type patterns struct {
	kind             string // schema or database
	include, exclude *globs
}

func newPatterns(kind string, include, exclude []string) *patterns {
	return &patterns{kind: kind, include: newGlobs(include), exclude: newGlobs(exclude)}
}

// keep returns the names that no exclude pattern matches, sorted.
func (p *patterns) keep(names []string) []string {
	var kept []string
	for _, name := range names {
		p.include.match(name)
		if !p.exclude.match(name) {
			kept = append(kept, name)
		}
	}
	slices.Sort(kept)
	return kept
}

func (p *patterns) warnings() []string {
	var warnings []string
	for _, pattern := range p.include.unmatched() {
		warnings = append(warnings, fmt.Sprintf("include_%ss: %q matches no %s", p.kind, pattern, p.kind))
	}
	for _, pattern := range p.exclude.unmatched() {
		warnings = append(warnings, fmt.Sprintf("exclude_%ss: %q matches none of the included %ss", p.kind, pattern, p.kind))
	}
	return warnings
}

// globs is a list of patterns, many of which may be plain names.
type globs struct {
	patterns []string
	matched  []bool         // by pattern
	plain    map[string]int // name → pattern
	wild     []int          // patterns with * or ?
}

func newGlobs(list []string) *globs {
	g := &globs{patterns: list, matched: make([]bool, len(list)), plain: map[string]int{}}
	for i, pattern := range list {
		if strings.ContainsAny(pattern, "*?") {
			g.wild = append(g.wild, i)
		} else {
			g.plain[pattern] = i
		}
	}
	return g
}

// match reports whether any pattern matches the name, and records all that do.
func (g *globs) match(name string) bool {
	i, hit := g.plain[name]
	if hit {
		g.matched[i] = true
	}
	for _, i := range g.wild {
		if tenant.Glob(g.patterns[i], name) {
			g.matched[i], hit = true, true
		}
	}
	return hit
}

func (g *globs) unmatched() []string {
	var list []string
	for i, pattern := range g.patterns {
		if j, plain := g.plain[pattern]; plain && g.matched[j] || g.matched[i] {
			continue
		}
		list = append(list, pattern)
	}
	return list
}
