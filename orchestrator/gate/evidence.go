package gate

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
)

const (
	allShown    = 400 // bytes of evidence
	lineShown   = 200 // bytes of a line that another program wrote
	valueShown  = 40  // bytes of an answer
	namesShown  = 5   // tenants, servers or series in a line
	groupsShown = 3   // different answers in a line
)

// unknown is a measure that says nothing, and why.
func unknown(format string, args ...any) plan.Measure {
	return plan.Measure{Verdict: plan.VerdictInconclusive, Evidence: fmt.Sprintf(format, args...)}
}

// late says why a measure has no answer when its context, whose error this is, ended before.
func late(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return "the measure was cut off"
}

// firstNames lists the first few.
func firstNames(all []string) string {
	if len(all) <= namesShown {
		return strings.Join(all, ", ")
	}
	return strings.Join(all[:namesShown], ", ") + " …"
}

// shorten makes one line of at most limit bytes of a text that another program wrote.
func shorten(s string, limit int) string { return text.Cut(text.OneLine(s), limit) }

// veil knows what must not be shown, though others may repeat it: a page of an error that quotes the request.
type veil []string

const secretAtLeast = 4 // bytes; what is shorter hides nothing and stands in every other word

// hide adds a secret, with the words that it is made of: "Bearer sesame" is often quoted without its first.
func (v *veil) hide(secret string) {
	for _, word := range append(strings.Fields(secret), secret) {
		if len(word) >= secretAtLeast {
			*v = append(*v, word)
		}
	}
}

// hideURL adds what a URL may hold of secrets.
func (v *veil) hideURL(u *url.URL) {
	if password, ok := u.User.Password(); ok {
		v.hide(password)
	}
	v.hide(u.User.Username())
	v.hide(u.RawQuery)
	for _, values := range u.Query() {
		for _, value := range values {
			v.hide(value)
			v.hide(url.QueryEscape(value))
		}
	}
}

func (v veil) over(text string) string {
	for _, secret := range v {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}
