package gate

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/skeindb/skein/orchestrator/plan"
)

// HTTP asks an endpoint with a GET. Its status is the answer: 2xx is a pass; 429, which is about us, and no answer
// at all are inconclusive; any other is a failure. Redirections are followed within the host, and else are no 2xx.
type HTTP struct {
	URL     func(context.Context) (string, error) // read for each measure, as it may be a secret
	Headers map[string]func(context.Context) (string, error)
	Client  *http.Client // nil = the default one; the time is limited by the context
}

var _ plan.Meter = HTTP{}

// Measure implements [plan.Meter].
func (h HTTP) Measure(ctx context.Context, _ plan.Subject) plan.Measure {
	r := request{client: h.Client, headers: h.Headers}
	u, err := r.place(ctx, h.URL)
	if err != nil {
		return unknown("%v", err)
	}
	resp, err := r.get(ctx, u)
	if err != nil {
		return unknown("%v", err)
	}
	defer resp.Body.Close()
	m := plan.Measure{Verdict: verdict(resp.StatusCode/100 == 2), Evidence: status(resp)}
	if resp.StatusCode == http.StatusTooManyRequests {
		m.Verdict = plan.VerdictInconclusive
	}
	if said := r.firstLine(resp.Body); said != "" {
		m.Redacted = m.Evidence // whatever the page quotes
		m.Evidence += ": " + said
	}
	return m
}

// status is the code and what it means, whatever else the server writes beside it.
func status(resp *http.Response) string {
	return strings.TrimSpace(strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode))
}
