package gate

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/skeindb/skein/orchestrator/plan"
)

// scalar and vector are answers as Prometheus 3 writes them.
func scalar(v string) string {
	return `{"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"` + v + `"]}}`
}

func vector(samples ...string) string {
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(samples, ",") + `]}}`
}

func at(job, v string) string {
	return `{"metric":{"__name__":"up","job":"` + job + `","instance":"a"},"value":[1435781451.781,"` + v + `"]}`
}

func TestPrometheus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, answer, expect string
		verdict              plan.Verdict
		evidence             string
	}{
		{"scalar", scalar("0.002"), "< 0.01", pass, "got 0.002, want < 0.01"},
		{"scalar too high", scalar("+Inf"), "< 0.01", fail, "got +Inf, want < 0.01"},
		{"something", scalar("3"), "", pass, "got 3, want != 0"},
		{"nothing", scalar("0"), "", fail, "got 0, want != 0"},
		{"no number", scalar("NaN"), "", inconclusive, "got NaN, want != 0"},
		{"no number is not unequal either", scalar("NaN"), "!= 5", inconclusive, "got NaN, want != 5"},
		{"one sample", vector(at("api", "1")), "= 1", pass, "got 1, want = 1"},
		{"samples", vector(at("api", "1"), at("web", "1.0")), "= 1", pass, "2 samples are = 1"},
		{
			"one is wrong", vector(at("api", "1"), at("web", "0"), at("db", "NaN")), "= 1", fail,
			`1 of 3 samples: got 0, want = 1: up{instance="a",job="web"}; 1: got NaN, want = 1: up{instance="a",job="db"}`,
		},
		{"none", vector(), "", inconclusive, "no sample"},
		{
			"histogram", `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{"count":"2"}]}]}}`, "", inconclusive,
			"got a histogram, want != 0",
		},
		{
			"matrix", `{"status":"success","data":{"resultType":"matrix","result":[]}}`, "", inconclusive,
			"200 OK: the query returns a matrix, want a scalar or a vector",
		},
		{"error", `{"status":"error","errorType":"bad_data","error":"parse error:\nunexpected"}`, "", inconclusive, "200 OK: bad_data: parse error: unexpected"},
		{"not Prometheus", "<html>\n<body>", "", inconclusive, "200 OK: not an answer of Prometheus: <html>"},
		{"nothing at all", "{}", "", inconclusive, "200 OK: not an answer of Prometheus: {}"},
		{"broken sample", vector(`{"metric":{},"value":[1]}`), "", inconclusive, "200 OK: a sample of 1 parts, want a time and a number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, test.answer) })
			p := Prometheus{URL: value(server.URL), Query: "up", Expect: expect(t, test.expect)}
			measured(t, p.Measure(t.Context(), plan.Subject{}), plan.Measure{Verdict: test.verdict, Evidence: test.evidence})
		})
	}
}

func TestPrometheusIsAskedTheQuery(t *testing.T) {
	t.Parallel()
	const query = `sum(rate(errors{job="a&b"}[5m])) > bool 1`
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/prom/api/v1/query" || r.URL.Query().Get("query") != query || r.URL.Query().Get("dedup") != "true" || r.Header.Get("X-Scope-OrgID") != "t1" {
			t.Errorf("%s with %v", r.URL, r.Header)
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "no access")
	})
	p := Prometheus{URL: value(server.URL + "/prom/?dedup=true"), Query: query, Headers: map[string]func(context.Context) (string, error){"X-Scope-OrgID": value("t1")}}
	measured(t, p.Measure(t.Context(), plan.Subject{}), plan.Measure{
		Verdict: inconclusive, Evidence: "401 Unauthorized: not an answer of Prometheus: no access",
	})
}

func TestPrometheusWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	endless := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
				return
			}
		}
	})
	if m := (Prometheus{URL: value(endless.URL), Query: "up"}).Measure(t.Context(), plan.Subject{}); m.Verdict != inconclusive || !strings.Contains(m.Evidence, "longer than") {
		t.Errorf("%+v", m)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stalled := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"status":`)
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	if m := (Prometheus{URL: value(stalled.URL), Query: "up"}).Measure(ctx, plan.Subject{}); m.Verdict != inconclusive || !strings.Contains(m.Evidence, "cut off") {
		t.Errorf("%+v", m)
	}
}

func TestPrometheusEvidenceIsBounded(t *testing.T) {
	t.Parallel()
	var samples []string
	for i := range 50 {
		samples = append(samples, at(strings.Repeat("long", 60)+fmt.Sprint(i), "0"))
	}
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, vector(samples...)) })
	m := Prometheus{URL: value(server.URL), Query: "up"}.Measure(t.Context(), plan.Subject{})
	if m.Verdict != fail || len(m.Evidence) > allShown || !strings.HasPrefix(m.Evidence, "50 of 50 samples: got 0") {
		t.Errorf("%d bytes: %+v", len(m.Evidence), m)
	}
}
