package gate

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// Answers of servers and pages may hold values of rows. Webhooks get a second text, which holds none. What a program prints is for its author to decide.
func TestEvidenceWithoutValues(t *testing.T) {
	t.Parallel()
	const quoted = "ann@secret.org"
	failed := &engine.Error{
		Class: engine.Data, SQLState: "22P02", Message: `invalid input syntax for type integer: "` + quoted + `"`, Quoted: `invalid input syntax for type integer: "` + quoted + `"`,
		Fields: &engine.Fields{Severity: "ERROR", Condition: "invalid_text_representation"},
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, quoted, http.StatusTeapot) }))
	t.Cleanup(page.Close)
	vector := `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"who":"` + quoted + `"},"value":[1,"0"]},{"metric":{"who":"b"},"value":[1,"1"]}]}}`
	metrics := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(vector)) }))
	t.Cleanup(metrics.Close)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(quoted)) }))
	t.Cleanup(broken.Close)
	answers := func(one engine.QueryResult) plan.Subject { return wave(&fakeQuerier{one: one}, 2) }
	for name, test := range map[string]struct {
		meter   plan.Meter
		subject plan.Subject
		want    string
	}{
		"answer":             {SQL{Query: "select 1"}, answers(textAnswer(quoted)), "2 of 2 tenants: the answer is not true: t_00, t_01"},
		"no number":          {SQL{Query: "select 1", Expect: expect(t, "> 0")}, answers(textAnswer(quoted)), "2 of 2 tenants: the answer is not a number, want > 0: t_00, t_01"},
		"error":              {SQL{Query: "select 1"}, answers(engine.QueryResult{Err: failed}), "2 of 2 tenants: ERROR 22P02 invalid_text_representation: t_00, t_01"},
		"error of no engine": {SQL{Query: "select 1"}, answers(engine.QueryResult{Err: errors.New(quoted)}), "2 of 2 tenants: the query failed: t_00, t_01"},
		"page":               {HTTP{URL: value(page.URL)}, plan.Subject{}, "418 I'm a teapot"},
		"metrics":            {Prometheus{URL: value(metrics.URL), Query: "up"}, plan.Subject{}, "1 of 2 samples: got 0, want != 0"},
		"no metrics":         {Prometheus{URL: value(broken.URL), Query: "up"}, plan.Subject{}, "200 OK: no answer that could be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := test.meter.Measure(t.Context(), test.subject)
			if diff := cmp.Diff(test.want, m.Redacted); diff != "" || !strings.Contains(m.Evidence, quoted) {
				t.Errorf("(-want +got):\n%s%+v", diff, m)
			}
		})
	}
}
