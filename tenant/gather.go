package tenant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
)

// listWidth is how many sources are listed at a time; each of them may work in parallel itself.
const listWidth = 8

// Gather lists all sources, checks what they return, and returns the fleet sorted by id (bytes).
//
// Any doubt is an error, and the fleet is then nil: a source that fails or lists nothing, an id or a name that is not
// valid, two ids for one location, one id for two, a guard. All errors are reported together, in the order of the
// sources; errors.As finds *Error and *GuardError among them. Guards are checked only if there is no other error and no
// source is left out because of a selector: see [LeftOut]. Warnings start with the name of their source and are returned
// with errors too.
//
// It reads symbolic links of SQLite files, to find a file that is listed by two names.
func Gather(ctx context.Context, sources []Source, guards Guards) (tenants []Tenant, warnings []string, err error) {
	if len(sources) == 0 {
		return nil, nil, &Error{
			Message: "no source lists tenants",
			Advice:  "name at least one below `tenants` in the config",
		}
	}
	listings := listAll(ctx, sources)
	var errs []error
	selected := false // by sources
	for i, l := range listings {
		name := sources[i].Name()
		if left, ok := errors.AsType[*LeftOut](l.err); ok {
			selected = selected || left.Reason == ""
			if left.Reason != "" {
				l.warnings = append(l.warnings, left.Reason)
			}
			l.err = nil
		}
		for _, w := range l.warnings {
			warnings = append(warnings, fmt.Sprintf("source %s: %s", name, w))
		}
		errs = append(errs, attribute(name, l.err)...)
		tenants = append(tenants, l.tenants...)
	}
	errs = append(errs, check(tenants)...)
	if len(errs) == 0 && !selected {
		if err := guards.Check(len(tenants)); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, warnings, errors.Join(errs...)
	}
	slices.SortFunc(tenants, func(a, b Tenant) int { return cmp.Compare(a.ID, b.ID) })
	return tenants, warnings, nil
}

// listing is what one source returned.
type listing struct {
	tenants  []Tenant
	warnings []string
	err      error
}

func listAll(ctx context.Context, sources []Source) []listing {
	listings := make([]listing, len(sources))
	var group errgroup.Group // without a context: one bad source must not hide the mistakes of the others
	group.SetLimit(listWidth)
	for i, source := range sources {
		group.Go(func() error {
			l := &listings[i]
			l.tenants, l.warnings, l.err = source.List(ctx)
			if l.err == nil && len(l.tenants) == 0 {
				l.err = &Error{Message: "yields no tenant"}
			}
			if _, left := errors.AsType[*LeftOut](l.err); l.err != nil && !left {
				l.tenants = nil
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in the listings
	return listings
}

// attribute splits joined errors of a source and names the source in each.
func attribute(source string, err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, e := range joined.Unwrap() {
			errs = append(errs, attribute(source, e)...)
		}
		return errs
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // what wraps one says more than it
		named := *e
		named.Source = cmp.Or(e.Source, source)
		return []error{&named}
	}
	return []error{&Error{Source: source, Message: err.Error(), Err: err}}
}
