package revision

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// NewGraph links revs into a graph. Their order does not matter; the graph keeps the pointers.
//
// It reports all mistakes at once: the error joins a [*FileError] for each bad or duplicate id or label, for each parent or
// dependency that does not exist, and for each cycle. `revises` names full ids; `depends_on` names ids, prefixes of ids,
// or branch labels, where a label stands for the revision that introduces it (Alembic's rule, which allows no prefixes
// there). An edge may be given twice, and in both kinds.
func NewGraph(revs []*Revision) (*Graph, error) {
	b := &builder{exact: make(map[string]int, len(revs))}
	b.addRevisions(revs)
	b.addLabels()
	b.names = newNames(b.exact)
	b.link()
	b.findCycles()
	if len(b.errs) > 0 {
		return nil, b.failure()
	}
	g := b.graph()
	g.spreadLabels()
	return g, nil
}

// builder is a graph under construction. Places are ranks by id here, so that comparing them breaks ties in Kahn's
// algorithm.
type builder struct {
	revs    []*Revision
	exact   map[string]int
	names   names
	parents [][]int
	deps    [][]int
	errs    []*FileError
}

func (b *builder) addRevisions(revs []*Revision) {
	sorted := slices.Clone(revs)
	slices.SortStableFunc(sorted, func(x, y *Revision) int {
		return cmp.Or(strings.Compare(x.ID, y.ID), strings.Compare(x.File, y.File))
	})
	for _, r := range sorted {
		if first, twice := b.exact[r.ID]; twice {
			b.fail(r, KindDuplicate, where(b.revs[first]), "give one of them another id",
				"revision %s is there twice%s", r.ID, alsoIn(b.revs[first]))
			continue
		}
		switch {
		case slices.Contains(reserved, r.ID):
			b.fail(r, KindBadID, "", "rename it: that word has a meaning in targets", "%q cannot be a revision id", r.ID)
		case !idForm.MatchString(r.ID):
			b.fail(r, KindBadID, "", "ids are 1 to 32 letters, digits and underscores", "%q cannot be a revision id", r.ID)
		}
		b.exact[r.ID] = len(b.revs)
		b.revs = append(b.revs, r)
	}
}

func (b *builder) addLabels() {
	for i, r := range b.revs {
		for _, label := range r.Labels {
			first, taken := b.exact[label]
			switch {
			case slices.Contains(reserved, label):
				b.fail(r, KindBadID, "", "rename it: that word has a meaning in targets", "%q cannot be a branch label", label)
			case !labelForm.MatchString(label), stepsEnd.MatchString(label):
				b.fail(r, KindBadID, "", "labels are letters, digits and _ . -, and do not end in a dash and a number",
					"%q cannot be a branch label", label)
			case taken && b.revs[first].ID == label:
				b.fail(r, KindDuplicate, where(b.revs[first]), "rename the label",
					"branch label %s of revision %s is the id of a revision%s", label, r.ID, alsoIn(b.revs[first]))
			case taken:
				b.fail(r, KindDuplicate, where(b.revs[first]), "rename one of them",
					"branch label %s of revision %s is taken by revision %s%s", label, r.ID, b.revs[first].ID, alsoIn(b.revs[first]))
			default:
				b.exact[label] = i
			}
		}
	}
}

func (b *builder) link() {
	b.parents = make([][]int, len(b.revs))
	b.deps = make([][]int, len(b.revs))
	for i, r := range b.revs {
		for _, name := range r.Revises {
			if p, ok := b.parent(r, name); ok {
				b.parents[i] = insert(b.parents[i], p)
			}
		}
		for _, name := range r.DependsOn {
			if d, ok := b.dependency(r, name); ok {
				b.deps[i] = insert(b.deps[i], d)
			}
		}
	}
}

// parent resolves what r revises: a full id, because a prefix that is unique today may be ambiguous tomorrow.
func (b *builder) parent(r *Revision, name string) (int, bool) {
	i, ok := b.exact[name]
	if ok && b.revs[i].ID == name {
		return i, true
	}
	advice := "add that revision, or correct `revises`"
	switch matches := b.names.prefixed(name); {
	case ok:
		advice = fmt.Sprintf("%s is a branch label; `revises` takes ids: %s", name, b.revs[i].ID)
	case len(matches) == 1 && name != "":
		advice = "`revises` takes full ids: " + b.revs[b.exact[matches[0]]].ID
	default:
		advice = b.guess(name, advice)
	}
	b.fail(r, KindMissing, "", advice, "revision %s revises %s, which is no revision", r.ID, quoteEmpty(name))
	return 0, false
}

// dependency resolves what r depends on, in Alembic's order: id or label, then prefix.
func (b *builder) dependency(r *Revision, name string) (int, bool) {
	if i, ok := b.exact[name]; ok {
		return i, true
	}
	var matches []int
	if name != "" {
		for _, match := range b.names.prefixed(name) {
			matches = insert(matches, b.exact[match])
		}
	}
	switch len(matches) {
	case 1:
		return matches[0], true
	case 0:
		b.fail(r, KindMissing, "", b.guess(name, "add that revision, or correct `depends_on`"),
			"revision %s depends on %s, which is neither revision nor branch label", r.ID, quoteEmpty(name))
	default:
		ids := make([]string, len(matches))
		for n, i := range matches {
			ids[n] = b.revs[i].ID
		}
		b.fail(r, KindMissing, "", "write more of the id", "revision %s depends on %s, which may be any of %s", r.ID, name, list(ids))
	}
	return 0, false
}

func (b *builder) guess(name, otherwise string) string {
	near := b.names.nearest(name)
	if near == "" {
		return otherwise
	}
	if file := b.revs[b.exact[near]].File; file != "" {
		return fmt.Sprintf("did you mean %s (%s)?", near, file)
	}
	return fmt.Sprintf("did you mean %s?", near)
}

func (b *builder) fail(r *Revision, kind Kind, other, advice, format string, args ...any) {
	b.errs = append(b.errs, &FileError{
		Kind: kind, File: r.File, Line: r.Line, Other: other,
		Message: fmt.Sprintf(format, args...), Advice: advice,
	})
}

// failure joins the errors, ordered by file and line.
func (b *builder) failure() error {
	slices.SortStableFunc(b.errs, func(x, y *FileError) int {
		return cmp.Or(strings.Compare(x.File, y.File), x.Line-y.Line)
	})
	errs := make([]error, len(b.errs))
	for i, err := range b.errs {
		errs[i] = err
	}
	return errors.Join(errs...)
}

// where returns the file and line of a revision, for FileError.Other.
func where(r *Revision) string {
	if r.File == "" || r.Line == 0 {
		return r.File
	}
	return fmt.Sprintf("%s:%d", r.File, r.Line)
}

func alsoIn(r *Revision) string {
	if r.File == "" {
		return ""
	}
	return " (the other: " + where(r) + ")"
}

func quoteEmpty(name string) string {
	if name == "" {
		return `""`
	}
	return name
}

// insert adds v to sorted unless it is there.
func insert(sorted []int, v int) []int {
	at, found := slices.BinarySearch(sorted, v)
	if found {
		return sorted
	}
	return slices.Insert(sorted, at, v)
}
