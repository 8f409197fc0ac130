package postgres

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// source is the text of a function, and the names of the functions that it calls.
type source struct {
	name, text string
	calls      []string
}

// sources are functions by their oid.
type sources map[string]source

// reach says whether a function may touch an object.
type reach uint8

const (
	never   reach = iota
	maybe         // it runs dynamic SQL
	certain       // its text, or that of a function it calls, contains the name
)

const deepest = 6 // depth of calls that are followed

// sources reads the functions of suspects, and those whose names stand in them like calls.
func (a *applier) sources(ctx context.Context, suspects []suspect) sources {
	all := sources{}
	var oids []string
	for _, s := range suspects {
		if s.function != "0" {
			oids = append(oids, s.function)
		}
	}
	where := "f.oid = ANY (" + array(oids) + "::pg_catalog.oid[])"
	for range deepest {
		results, err := a.conn.query(ctx, `SELECT f.oid, f.proname, CASE WHEN f.prokind IN ('f', 'p', 'w') THEN pg_catalog.pg_get_functiondef(f.oid) ELSE '' END
FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND `+where)
		if err != nil {
			return all
		}
		words := map[string]bool{}
		for _, row := range results[0].Rows {
			oid := string(row[0])
			if _, known := all[oid]; known {
				continue
			}
			s := source{name: string(row[1]), text: string(row[2])}
			for _, call := range callForm.FindAllStringSubmatch(s.text, -1) {
				if name := strings.ToLower(call[1]); name != s.name {
					s.calls = append(s.calls, name)
					words[name] = true
				}
			}
			all[oid] = s
		}
		if len(words) == 0 {
			return all
		}
		where = "f.proname = ANY (" + array(slices.Sorted(maps.Keys(words))) + "::pg_catalog.name[])"
	}
	return all
}

var callForm = regexp.MustCompile(`([A-Za-z_][A-Za-z_0-9$]*)"?\s*\(`)

// reaches reports whether a function may touch one of the hits.
func (all sources) reaches(oid string, found []hit, seen map[string]bool) reach {
	s, known := all[oid]
	if !known || seen[oid] {
		return never
	}
	seen[oid] = true
	if _, body, ok := strings.Cut(s.text, "AS "); ok && mentions(body, found) || !ok && mentions(s.text, found) {
		return certain
	}
	best := never
	if dynamicForm.MatchString(s.text) {
		best = maybe
	}
	for other, t := range all {
		if slices.Contains(s.calls, t.name) {
			best = max(best, all.reaches(other, found, seen))
		}
	}
	return best
}

var dynamicForm = regexp.MustCompile(`(?i)\bEXECUTE\b`)

// mentions reports whether a text contains the bare name of a hit as a word.
func mentions(text string, found []hit) bool {
	return slices.ContainsFunc(found, func(h hit) bool {
		_, name, _ := strings.Cut(h.name, ".")
		form, err := regexp.Compile(`(?i)(^|[^\pL\pN_$])` + regexp.QuoteMeta(name) + `($|[^\pL\pN_$])`)
		return err == nil && form.MatchString(text)
	})
}
