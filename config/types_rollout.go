package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/skeindb/skein/orchestrator/gate"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// The forms of values that waves, gates and pins have. As all parsers they never see an empty text.

func parseSelector(raw string) (tenant.Selector, *problem) {
	s, err := tenant.ParseSelector(raw)
	if e, ok := errors.AsType[*tenant.SelectorError](err); ok {
		return s, &problem{fmt.Sprintf("selector %s, column %d: %s", quote(raw), e.Col, e.Message), e.Advice}
	}
	if err != nil {
		return s, &problem{message: err.Error()}
	}
	return s, nil
}

func (k *key) parseSize(raw string) (plan.Size, *problem) {
	s, err := plan.ParseSize(raw)
	if err != nil {
		return s, k.unexpected(raw)
	}
	return s, nil
}

const (
	orderHash  = "hash" // the default in words
	orderLabel = "label:"
)

func (k *key) parseOrder(raw string) (plan.Order, *problem) {
	switch o := plan.Order(raw); {
	case raw == orderHash:
		return plan.OrderByHash, nil
	case o == plan.OrderSmallFirst, o == plan.OrderLargeFirst:
		return o, nil
	case strings.HasPrefix(raw, orderLabel) && checkName(raw[len(orderLabel):]) == nil:
		return o, nil
	}
	p := k.unexpected(raw)
	p.advice = didYouMean(raw, []string{orderHash, string(plan.OrderSmallFirst), string(plan.OrderLargeFirst)}, "")
	if strings.HasPrefix(raw, strings.TrimSuffix(orderLabel, ":")) {
		p.advice = "name the label: label:region"
	}
	return "", p
}

func parseExpect(raw string) (gate.Expect, *problem) {
	e, err := gate.ParseExpect(raw)
	if err == nil {
		return e, nil
	}
	p := &problem{message: err.Error()}
	if h, ok := err.(interface{ Hint() string }); ok {
		p.advice = h.Hint()
	}
	return e, p
}

// parseUntil returns the first instant that is past the given one: a date counts to the end of its day, UTC.
func (k *key) parseUntil(raw string) (time.Time, *problem) {
	if day, err := time.Parse(time.DateOnly, raw); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	at, err := time.Parse(time.RFC3339, raw)
	if err == nil {
		return at, nil
	}
	p := k.unexpected(raw)
	for _, slip := range []struct{ form, advice, as string }{
		{"2006-02-01", "the month stands before the day: ", time.DateOnly},
		{"2.1.2006", "year, month, day: ", time.DateOnly},
		{"2006-1-2", "month and day have two digits: ", time.DateOnly},
		{"2006-01-02T15:04:05", "say in which zone: ", time.RFC3339},
		{"2006-01-02 15:04:05", "write a T between date and time, and the zone: ", time.RFC3339},
		{"2006-01-02 15:04:05Z07:00", "write a T between date and time: ", time.RFC3339},
	} {
		if meant, err := time.Parse(slip.form, raw); err == nil {
			p.advice = slip.advice + meant.Format(slip.as)
			break
		}
	}
	return time.Time{}, p
}

// checkAddress looks at the form of a URL for the web. It repeats nothing: tokens stand in paths and queries, too.
func checkAddress(raw string) *problem {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return &problem{"expected a URL that starts with https:// or http://", ""}
	}
	if !separable(rest) {
		return &problem{"can be read in more than one way", adviceEscape + "; and an @ further on as %40"}
	}
	if u, err := url.Parse(raw); err != nil || u.Hostname() == "" {
		return &problem{"is not a valid URL", adviceEscape}
	}
	return nil
}

const adviceEscape = "write characters such as # / ? @ % of a password as %23 %2F %3F %40 %25"

// separable reports whether it is certain where the host of a URL for the web is: an @ behind what looks like a port
// may be the end of a password with a / or ? in it, of which a part would be asked of the DNS.
func separable(rest string) bool {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, beyond := rest[:end], rest[end:]
	return strings.Count(authority, "@") <= 1 && (!strings.ContainsAny(authority, ":@") || !strings.Contains(beyond, "@"))
}
