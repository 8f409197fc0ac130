package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
)

// check says what is wrong with a value of one word, wherever it was written; nil when nothing is.
// It never repeats a secret.
func (k *key) check(raw string) *problem {
	if p := checkText(raw); p != nil {
		return p
	}
	var p *problem
	switch k.kind {
	case kindBool:
		_, p = parseBool(raw)
	case kindCount:
		_, p = k.parseCount(raw)
	case kindDuration:
		_, p = k.parseDuration(raw)
	case kindPercent:
		_, p = k.parsePercent(raw)
	case kindBudget:
		_, _, p = k.parseBudget(raw)
	case kindAuto:
		if raw != "auto" {
			_, p = k.parseCount(raw)
		}
	case kindChoice:
		if !slices.Contains(k.choices, raw) {
			p = k.unexpected(raw)
			p.advice = didYouMean(raw, k.choices, "")
		}
	case kindName:
		p = checkName(raw)
	case kindTouches:
		for _, glob := range parseTexts(raw) {
			if p == nil {
				p = checkTouch(glob)
			}
		}
	case kindTouch:
		p = checkTouch(raw)
	case kindSelector:
		_, p = parseSelector(raw)
	case kindSize:
		_, p = k.parseSize(raw)
	case kindOrder:
		_, p = k.parseOrder(raw)
	case kindExpect:
		_, p = parseExpect(raw)
	case kindUntil:
		_, p = k.parseUntil(raw)
	case kindURL:
		p = checkURL(raw)
	case kindAddress:
		p = checkAddress(raw)
	case kindStore:
		if strings.Contains(raw, "://") {
			p = checkURL(raw)
		}
	}
	return p
}

// checkText is what holds for every value.
func checkText(raw string) *problem {
	switch {
	case raw == "":
		return &problem{"is empty", "write a value or take the key away"}
	case strings.ContainsRune(raw, 0) || !utf8.ValidString(raw):
		return &problem{"is not UTF-8 without NUL", ""}
	}
	return nil
}

func (k *key) unexpected(raw string) *problem {
	return &problem{message: fmt.Sprintf("expected %s, got %s", k.expected(), quote(raw))}
}

func parseBool(raw string) (bool, *problem) {
	switch raw {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, &problem{message: fmt.Sprintf("expected true or false, got %s", quote(raw))}
}

func (k *key) parseCount(raw string) (int, *problem) {
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 || n == 0 && !k.zero || n > 1<<31-1 {
		return 0, k.unexpected(raw)
	}
	return n, nil
}

func (k *key) parseDuration(raw string) (time.Duration, *problem) {
	d, err := time.ParseDuration(raw)
	if err != nil || d < 0 || d == 0 && !k.zero {
		p := k.unexpected(raw)
		if _, err := strconv.ParseFloat(raw, 64); err == nil && d == 0 && strings.Trim(raw, "0.") != "" {
			p.advice = fmt.Sprintf("give it a unit: %ss, %sms or %sm", raw, raw, raw)
		}
		return 0, p
	}
	if d > 0 && d < time.Millisecond {
		return 0, &problem{fmt.Sprintf("%s is below a millisecond", raw), "servers count timeouts in milliseconds"}
	}
	if d < k.least {
		return 0, &problem{message: fmt.Sprintf("%s is too short, the least is %s", raw, k.least)}
	}
	return d, nil
}

func (k *key) parsePercent(raw string) (float64, *problem) {
	digits, ok := strings.CutSuffix(raw, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err == nil && !ok {
		return 0, &problem{k.unexpected(raw).message, fmt.Sprintf("write %s%%", raw)}
	}
	if err != nil || !(f >= 0 && f <= 100) { // the negation catches NaN
		return 0, k.unexpected(raw)
	}
	return f, nil
}

// parseBudget returns a count, or a percentage above 0.
func (k *key) parseBudget(raw string) (count int, percent float64, p *problem) {
	if strings.HasSuffix(raw, "%") {
		percent, p = k.parsePercent(raw)
		return 0, percent, p
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < 0 || n > 1<<31-1 {
		return 0, 0, k.unexpected(raw)
	}
	return n, 0, nil
}

// parseTexts splits the list in a variable or a flag.
func parseTexts(raw string) []string {
	var texts []string
	for part := range strings.SplitSeq(raw, ",") {
		if part = strings.TrimSpace(part); part != "" {
			texts = append(texts, part)
		}
	}
	return texts
}

// checkTouch looks at the form of a glob over schema.name.
func checkTouch(raw string) *problem {
	if revision.IsTouch(raw) {
		return nil
	}
	return &problem{"expected schema.name, got " + strconv.Quote(raw), "write for example public.plans or audit.*"}
}

// checkURL looks at the form, and at parameters that would be dropped or would unsettle the session. What is said of it
// holds no part of it.
func checkURL(raw string) *problem {
	err := postgres.CheckURL(raw)
	if bad, ok := errors.AsType[*postgres.URLError](err); ok {
		return &problem{bad.Message, bad.Advice}
	}
	return nil
}

// quote shows a value in a message, shortened and without passwords of URLs.
func quote(s string) string {
	const most = 60
	return fmt.Sprintf("%.*q", most, RedactURL(s))
}
