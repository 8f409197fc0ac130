package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/skeindb/skein/orchestrator/plan"
)

// Expect is what an answer has to be. The zero value expects true. Make one with [ParseExpect]; values are
// comparable.
type Expect struct {
	op    operator
	value string // without space around it
}

type operator string

const (
	isTrue  operator = ""
	equal   operator = "="
	unequal operator = "!="
	less    operator = "<"
	most    operator = "<="
	more    operator = ">"
	least   operator = ">="
)

// operators has the longer ones first, so that <= is not read as <.
var operators = []operator{unequal, most, least, equal, less, more}

// ParseExpect reads a condition:
//
//	"" or true           t, true, 1, on or yes, in upper or lower case
//	= x or just x        equal to x
//	!= x                 not equal to x
//	< n  <= n  > n  >= n a number in that order to n
//
// Numbers are compared as numbers, so that 1.0 equals 1, and truth values as such where x is true or false; all
// else as text, in which upper and lower case differ.
func ParseExpect(s string) (Expect, error) {
	s = strings.TrimSpace(s)
	e := Expect{op: equal, value: s}
	for _, op := range operators {
		rest, ok := strings.CutPrefix(s, string(op))
		if !ok {
			continue
		}
		if rest != "" && strings.Contains("=<>!", rest[:1]) {
			return Expect{}, fmt.Errorf("%q is not a condition: they are = != < <= > >=, with a space before a text that begins so", s)
		}
		e = Expect{op: op, value: strings.TrimSpace(rest)}
		break
	}
	switch {
	case s == "", e.op == equal && strings.EqualFold(e.value, "true"):
		return Expect{}, nil
	case e.ordered():
		if _, ok := number(e.value); !ok {
			return Expect{}, fmt.Errorf("%q is not a condition: what is behind %s must be a number", s, e.op)
		}
	}
	return e, nil
}

// String returns the condition in the form that [ParseExpect] reads.
func (e Expect) String() string {
	if e.op == isTrue {
		return "true"
	}
	return strings.TrimSpace(string(e.op) + " " + e.value)
}

func (e Expect) ordered() bool { return e.op == less || e.op == most || e.op == more || e.op == least }

// judge says whether an answer is as expected. An order on what is not a number is Inconclusive.
func (e Expect) judge(answer string) plan.Verdict {
	answer = strings.TrimSpace(answer)
	if e.ordered() {
		return e.order(answer)
	}
	return verdict((e.op != unequal) == e.same(answer))
}

// same reports whether an answer is the value.
func (e Expect) same(answer string) bool {
	switch {
	case e.op == isTrue || strings.EqualFold(e.value, "true"):
		return truth(answer, "t", "true", "1", "on", "yes")
	case strings.EqualFold(e.value, "false"):
		return truth(answer, "f", "false", "0", "off", "no")
	case answer == e.value:
		return true
	}
	sign, ok := compare(answer, e.value)
	return ok && sign == 0
}

func truth(answer string, words ...string) bool {
	for _, w := range words {
		if strings.EqualFold(answer, w) {
			return true
		}
	}
	return false
}

func (e Expect) order(answer string) plan.Verdict {
	sign, ok := compare(answer, e.value)
	if !ok {
		return plan.VerdictInconclusive
	}
	switch e.op {
	case less:
		return verdict(sign < 0)
	case most:
		return verdict(sign <= 0)
	case more:
		return verdict(sign > 0)
	default:
		return verdict(sign >= 0)
	}
}

func verdict(pass bool) plan.Verdict {
	if pass {
		return plan.VerdictPass
	}
	return plan.VerdictFail
}

// compare returns the sign of a - b; false unless both are numbers. Whole numbers are compared to the last digit.
func compare(a, b string) (sign int, ok bool) {
	if m, err := strconv.ParseInt(a, 10, 64); err == nil {
		if n, err := strconv.ParseInt(b, 10, 64); err == nil {
			return signOf(m < n, m > n), true
		}
	}
	x, ok := number(a)
	y, also := number(b)
	return signOf(x < y, x > y), ok && also
}

func signOf(below, above bool) int {
	switch {
	case below:
		return -1
	case above:
		return 1
	}
	return 0
}

// number reads a number, infinity included; what is not a number is none.
func number(s string) (float64, bool) {
	x, err := strconv.ParseFloat(s, 64)
	return x, err == nil && !math.IsNaN(x)
}
