package config

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/gate"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// budget is an plan.Budget.
func budget() *valueType {
	return numbers(func(raw string) (any, *problem) {
		if strings.HasSuffix(raw, "%") {
			percent, p := parsePercent(raw)
			if p != nil {
				return nil, p
			}
			return plan.Budget{Percent: percent.(float64)}, nil
		}
		count, p := parseCount(raw, 0)
		if p != nil {
			return nil, p
		}
		return plan.Budget{Count: count.(int)}, nil
	}, "number or percentage", "a number, or a percentage such as 1%")
}

// size is an plan.Size.
func size() *valueType {
	return numbers(func(raw string) (any, *problem) {
		s, err := plan.ParseSize(raw)
		if err != nil {
			return nil, &problem{}
		}
		return s, nil
	}, "number above 0 or percentage", "a number above 0, or a percentage such as 5%")
}

// selector is a tenant.Selector.
func selector() *valueType {
	return texts(func(raw string) (any, *problem) {
		s, err := tenant.ParseSelector(raw)
		if e, ok := errors.AsType[*tenant.SelectorError](err); ok {
			return nil, &problem{"selector " + quote(raw) + ", column " + strconv.Itoa(e.Col) + ": " + e.Message, e.Advice}
		}
		if err != nil {
			return nil, &problem{message: err.Error()}
		}
		return s, nil
	}, "selector", "a selector")
}

const (
	orderHash  = "hash" // the default
	orderLabel = "label:"
)

// order is an plan.Order.
func order() *valueType {
	const forms = "hash, small, large or label:KEY"
	return texts(parseOrder, forms, forms)
}

func parseOrder(raw string) (any, *problem) {
	switch o := plan.Order(raw); {
	case raw == orderHash:
		return plan.OrderByHash, nil
	case o == plan.OrderSmallFirst, o == plan.OrderLargeFirst:
		return o, nil
	case strings.HasPrefix(raw, orderLabel) && checkName(raw[len(orderLabel):]) == nil:
		return o, nil
	case strings.HasPrefix(raw, strings.TrimSuffix(orderLabel, ":")):
		return nil, &problem{advice: "add the name of the label, such as label:region"}
	}
	return nil, &problem{advice: didYouMean(raw, []string{orderHash, string(plan.OrderSmallFirst), string(plan.OrderLargeFirst)}, "")}
}

// condition is a gate.Expect.
func condition() *valueType {
	return &valueType{name: "condition", expected: "true, a value, or a condition such as > 0", tags: anyTag(), parse: func(raw string) (any, *problem) {
		e, err := gate.ParseExpect(raw)
		if err == nil {
			return e, nil
		}
		p := &problem{message: err.Error()}
		if h, ok := err.(interface{ Hint() string }); ok {
			p.advice = h.Hint()
		}
		return nil, p
	}}
}

// until is a time.Time at which something ends. A date ends with its day, in UTC.
func until() *valueType {
	t := texts(parseUntil, "date or time", "a date such as 2030-12-24, or a time such as 2030-12-24T18:00:00Z")
	t.tags = append(t.tags, "!!timestamp")
	return t
}

func parseUntil(raw string) (any, *problem) {
	if day, err := time.Parse(time.DateOnly, raw); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	if at, err := time.Parse(time.RFC3339, raw); err == nil {
		return at, nil
	}
	for _, slip := range []struct{ form, advice, as string }{
		{"2006-02-01", "the month comes before the day: ", time.DateOnly},
		{"2.1.2006", "year, month, day: ", time.DateOnly},
		{"2006-1-2", "month and day have two digits: ", time.DateOnly},
		{"2006-01-02T15:04:05", "say in which zone: ", time.RFC3339},
		{"2006-01-02 15:04:05", "write a T between date and time, and the zone: ", time.RFC3339},
		{"2006-01-02 15:04:05Z07:00", "write a T between date and time: ", time.RFC3339},
	} {
		if meant, err := time.Parse(slip.form, raw); err == nil {
			return nil, &problem{advice: slip.advice + meant.Format(slip.as)}
		}
	}
	return nil, &problem{}
}

// searchPath is the schemas after the tenant's on the search path.
type searchPath struct {
	auto  bool // the schemas that contain extensions
	names []string
}

// autoOrNames is a searchPath.
func autoOrNames() *valueType {
	t := texts(func(raw string) (any, *problem) {
		if raw != auto {
			return nil, &problem{advice: asList(raw)}
		}
		return searchPath{auto: true}, nil
	}, "auto or list of texts", "auto or a list of texts")
	t.item, t.none = plainText(), true
	t.list = func(names []string) any { return searchPath{names: names} }
	return t
}

// asList is the advice for one text instead of a list.
func asList(raw string) string { return "write it as a list: [" + quote(raw) + "]" }

// boolOrGlobs is a discover.Schemas.
func boolOrGlobs() *valueType {
	return &valueType{
		name: "true, false or list of texts", expected: "true, false or a list of texts", tags: []string{"!!bool"}, fileOnly: true,
		parse: func(raw string) (any, *problem) {
			all, p := parseBool(raw)
			if p != nil {
				return nil, p
			}
			return discover.Schemas{All: all.(bool)}, nil
		},
		item: plainText(), list: func(globs []string) any { return discover.Schemas{Globs: globs} },
	}
}

// touches is a []string of globs over schema.name.
func touches() *valueType {
	one := texts(func(raw string) (any, *problem) {
		if !revision.IsTouch(raw) {
			return nil, &problem{"expected schema.name, got " + strconv.Quote(raw), "for example public.plans or audit.*"}
		}
		return raw, nil
	}, "schema.name", "schema.name, with globs")
	return &valueType{name: "list of schema.name", expected: "a list of schema.name, with globs", item: one}
}
