package revision

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// target is a parsed target:
//
//	[LABEL@] (ID | PREFIX | LABEL | head | heads | base)
//	[LABEL@] [SYMBOL] (+N | -N)
//
// where LABEL may also be an id or a prefix: the branch that it is in.
type target struct {
	text     string
	label    string // "" when there is no @
	symbol   string // "" when relative to where the tenant stands
	relative bool
	steps    int // of a relative target; below 0 = down
}

var (
	relativeForm = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.-]*?)?([+-][0-9]+)$`)
	symbolForm   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

const targetForms = "a target is head, heads, base, an id or the beginning of one, a branch label, +N, -N, ID+N, ID-N or LABEL@ before any of these"

func parseTarget(text string) (target, error) {
	t := target{text: text}
	label, rest, labelled := strings.Cut(text, "@")
	if !labelled {
		rest = text
	} else if t.label = label; !symbolForm.MatchString(label) {
		return t, notTarget(text, targetForms)
	}
	if m := relativeForm.FindStringSubmatch(rest); m != nil {
		t.relative, t.symbol = true, m[1]
		n, err := strconv.Atoi(m[2])
		if err != nil || n > math.MaxInt32 || n < -math.MaxInt32 {
			return t, targetError(t, ReasonRange, nil, "no graph is that long", "%s: %s is too many steps", text, m[2])
		}
		t.steps = n
	} else {
		t.symbol = rest
	}
	switch {
	case t.symbol == "current" || t.label == "current":
		return t, notTarget(text, "`current` differs from tenant to tenant: name a revision, as `Current` shows it")
	case strings.Contains(text, ":"):
		return t, notTarget(text, "a range A:B is for `History`, and no target")
	case t.symbol == "" && t.relative:
	case !symbolForm.MatchString(t.symbol):
		return t, notTarget(text, targetForms)
	}
	return t, nil
}

func notTarget(text, advice string) error {
	return &TargetError{
		Target: text, Reason: ReasonSyntax, Matches: []string{},
		Message: fmt.Sprintf("%q is no target here", text), Advice: advice,
	}
}

func targetError(t target, reason Reason, matches []string, advice, format string, args ...any) error {
	if matches == nil {
		matches = []string{}
	}
	return &TargetError{
		Target: t.text, Reason: reason, Matches: matches,
		Message: fmt.Sprintf(format, args...), Advice: advice,
	}
}

// within names the branch that t is limited to, for messages.
func (t target) within() string {
	if t.label == "" {
		return ""
	}
	return " in branch " + t.label
}
