package gate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
)

// Prometheus puts an instant query to Prometheus, or to what speaks its API. Every sample of the answer, a scalar
// or a vector, has to be as expected; the zero value of Expect wants it not to be 0. One that is not makes a failure.
// No sample, NaN and errors are inconclusive. Mind that a comparison in PromQL drops the samples for which it does not
// hold: compare with Expect, or write `> bool`.
type Prometheus struct {
	URL     func(context.Context) (string, error) // what is before /api/v1; read for each measure
	Query   string
	Expect  Expect
	Headers map[string]func(context.Context) (string, error)
	Client  *http.Client // nil = the default one; the time is limited by the context
}

var _ plan.Meter = Prometheus{}

const answerRead = 4 << 20 // bytes of an answer

// Measure implements [plan.Meter].
func (p Prometheus) Measure(ctx context.Context, _ plan.Subject) plan.Measure {
	r := request{client: p.Client, headers: p.Headers}
	u, err := r.place(ctx, p.URL)
	if err != nil {
		return unknown("%v", err)
	}
	u = u.JoinPath("api", "v1", "query")
	query := u.Query()
	query.Set("query", p.Query)
	u.RawQuery = query.Encode()
	resp, err := r.get(ctx, u)
	if err != nil {
		return unknown("%v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerRead+1))
	switch {
	case ctx.Err() != nil:
		return unknown("%s", late(ctx.Err()))
	case err != nil:
		return unknown("%s: %s", status(resp), shorten(r.veil.over(err.Error()), lineShown))
	case len(body) > answerRead:
		return unknown("the answer is longer than %d bytes: ask for fewer series", answerRead)
	}
	samples, err := decode(body)
	if err != nil {
		m := unknown("%s: %s", status(resp), shorten(r.veil.over(err.Error()), lineShown))
		m.Redacted = status(resp) + ": no answer that could be read"
		return m
	}
	m := p.judge(samples)
	m.Evidence = shorten(r.veil.over(m.Evidence), allShown)
	m.Redacted = shorten(r.veil.over(m.Redacted), allShown)
	return m
}

// sample is one number of an answer.
type sample struct {
	labels map[string]string // nil of a scalar
	value  string            // as Prometheus writes it; "" when it is not a number but a histogram
}

// decode reads the answer of /api/v1/query (Prometheus, HTTP API, "Instant queries").
func decode(body []byte) ([]sample, error) {
	var answer struct {
		Status, ErrorType, Error string
		Data                     struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	err := json.Unmarshal(body, &answer)
	if err != nil || answer.Status != "success" && answer.Status != "error" {
		first, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
		return nil, fmt.Errorf("not an answer of Prometheus: %s", first)
	}
	if answer.Status == "error" {
		return nil, fmt.Errorf("%s: %s", answer.ErrorType, answer.Error)
	}
	var samples []sample
	switch answer.Data.ResultType {
	case "scalar":
		s := sample{}
		s.value, err = decodeValue(answer.Data.Result)
		samples = append(samples, s)
	case "vector":
		var vector []struct {
			Metric map[string]string
			Value  json.RawMessage
		}
		err = json.Unmarshal(answer.Data.Result, &vector)
		for i := 0; i < len(vector) && err == nil; i++ {
			s := sample{labels: vector[i].Metric}
			if vector[i].Value != nil {
				s.value, err = decodeValue(vector[i].Value)
			}
			samples = append(samples, s)
		}
	default:
		err = fmt.Errorf("the query returns a %s, want a scalar or a vector", cmp.Or(answer.Data.ResultType, "result of no type"))
	}
	return samples, err
}

// decodeValue reads [1435781451.781,"1.5"].
func decodeValue(data []byte) (string, error) {
	var pair []json.RawMessage
	var value string
	if err := json.Unmarshal(data, &pair); err != nil {
		return "", err
	}
	if len(pair) != 2 {
		return "", fmt.Errorf("a sample of %d parts, want a time and a number", len(pair))
	}
	err := json.Unmarshal(pair[1], &value)
	return value, err
}

func (p Prometheus) judge(samples []sample) plan.Measure {
	if len(samples) == 0 {
		return unknown("no sample")
	}
	want := p.Expect.String()
	if p.Expect == (Expect{}) {
		want = "!= 0"
	}
	var groups []*likeAnswers
	worst := plan.VerdictPass
	for _, s := range samples {
		v := p.verdict(s)
		if v == plan.VerdictPass {
			continue
		}
		if worst != plan.VerdictFail {
			worst = v
		}
		text := fmt.Sprintf("got %s, want %s", cmp.Or(shorten(s.value, valueShown), "a histogram"), want)
		i := slices.IndexFunc(groups, func(g *likeAnswers) bool { return g.text == text })
		if i < 0 {
			i, groups = len(groups), append(groups, &likeAnswers{verdict: v, text: text})
		}
		groups[i].names = append(groups[i].names, series(s.labels))
	}
	m := plan.Measure{Verdict: worst}
	switch {
	case len(samples) == 1:
		m.Evidence = fmt.Sprintf("got %s, want %s", cmp.Or(shorten(samples[0].value, valueShown), "a histogram"), want)
	case worst == plan.VerdictPass:
		m.Evidence = fmt.Sprintf("%s are %s", text.Count(len(samples), "sample"), want)
	default:
		slices.SortStableFunc(groups, worstFirst)
		m.Evidence = describe(groups, text.Count(len(samples), "sample"))
		m.Redacted = describeCounts(groups, text.Count(len(samples), "sample")) // labels may be names of people
	}
	return m
}

func (p Prometheus) verdict(s sample) plan.Verdict {
	x, err := strconv.ParseFloat(s.value, 64)
	switch {
	case err != nil, math.IsNaN(x):
		return plan.VerdictInconclusive
	case p.Expect == (Expect{}):
		return verdict(x != 0)
	}
	return p.Expect.judge(s.value)
}

// series writes the labels of a sample, such as {job="api"}.
func series(labels map[string]string) string {
	var b strings.Builder
	b.WriteString(labels["__name__"])
	b.WriteString("{")
	first := true
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if name == "__name__" {
			continue
		}
		if !first {
			b.WriteString(",")
		}
		first = false
		fmt.Fprintf(&b, "%s=%q", name, labels[name])
	}
	b.WriteString("}")
	return b.String()
}
