package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/skeindb/skein/orchestrator/plan"
)

func value(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}

func serve(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server
}

func TestHTTPJudgesByStatus(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var code int
		_, _ = fmt.Sscan(r.URL.Query().Get("code"), &code)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, r.URL.Query().Get("body"))
	})
	for _, test := range []struct {
		code     int
		body     string
		verdict  plan.Verdict
		evidence string
	}{
		{200, "", pass, "200 OK"},
		{204, "", pass, "204 No Content"},
		{299, "well", pass, "299: well"},
		{200, "\n \r\n  all\tgood \r\nsecond\n", pass, "200 OK: all good"},
		{304, "", fail, "304 Not Modified"},
		{401, "who\x1b[1m are you", fail, "401 Unauthorized: who\x1b[1m are you"},
		{429, "later", inconclusive, "429 Too Many Requests: later"},
		{500, strings.Repeat("ü", 200), fail, "500 Internal Server Error: " + strings.Repeat("ü", 98) + "…"},
		{503, "down", fail, "503 Service Unavailable: down"},
	} {
		h := HTTP{URL: value(server.URL + "/health?" + url.Values{"code": {fmt.Sprint(test.code)}, "body": {test.body}}.Encode())}
		if test.body != "" { // the veil would hide what the query says, so this body comes otherwise
			h.URL = value(serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.code)
				_, _ = io.WriteString(w, test.body)
			}).URL)
		}
		measured(t, h.Measure(t.Context(), plan.Subject{}), plan.Measure{Verdict: test.verdict, Evidence: test.evidence})
	}
}

func TestHTTPSendsHeaders(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		_, _ = fmt.Fprintln(w, r.Method, r.Host, r.Header.Get("X-Probe"), r.UserAgent(), user == "ann" && password == "sesame")
	})
	u := strings.Replace(server.URL, "http://", "http://ann:sesame@", 1)
	h := HTTP{URL: value(u + "\n"), Headers: map[string]func(context.Context) (string, error){"x-probe": value("yes"), "Host": value("api")}}
	measured(t, h.Measure(t.Context(), plan.Subject{}), plan.Measure{Verdict: pass, Evidence: "200 OK: GET api yes skein true"})
}

// A page may repeat what was asked, and with it what only the server should see.
func TestHTTPEvidenceHoldsNoSecret(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, password, _ := r.BasicAuth()
		_, _ = fmt.Fprintln(w, "no", r.RequestURI, r.URL.Query().Get("key"), r.Header.Get("X-Token"), password)
	})
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	secret := []string{"open-sesame", "open%2Bsesame", "open+sesame", "hunter22", "swordfish"}
	for _, at := range []string{server.URL, closed.URL, "http://no host", "http://[::1", "ftp://x", "http://h:port", "//x"} {
		u := strings.Replace(at, "://", "://ann:hunter22@", 1) + "/x?key=open%2Bsesame&other=open-sesame#open-sesame"
		h := HTTP{URL: value(u), Headers: map[string]func(context.Context) (string, error){"X-Token": value("Bearer swordfish")}}
		p := Prometheus{URL: h.URL, Headers: h.Headers, Query: "up"}
		for _, m := range []plan.Measure{h.Measure(t.Context(), plan.Subject{}), p.Measure(t.Context(), plan.Subject{})} {
			if m.Verdict == pass || m.Evidence == "" {
				t.Errorf("%s: %+v", at, m)
			}
			for _, s := range secret {
				if strings.Contains(m.Evidence, s) {
					t.Errorf("%s: the evidence holds %q: %s", at, s, m.Evidence)
				}
			}
		}
	}
}

func TestHTTPWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	hung := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	broken := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	over, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	failing := func(context.Context) (string, error) {
		return "", errors.New("environment variable TOKEN is not set")
	}
	for name, test := range map[string]struct {
		ctx  context.Context
		h    HTTP
		says string
	}{
		"timeout":              {over, HTTP{URL: value(hung.URL)}, "no answer in time"},
		"cancelled":            {cut, HTTP{URL: value(hung.URL)}, "cut off"},
		"connection broken":    {t.Context(), HTTP{URL: value(broken.URL)}, "EOF"},
		"no URL":               {t.Context(), HTTP{}, "no URL"},
		"URL cannot be read":   {t.Context(), HTTP{URL: failing}, "TOKEN is not set"},
		"header cannot be":     {t.Context(), HTTP{URL: value(hung.URL), Headers: map[string]func(context.Context) (string, error){"A": failing}}, "header A: environment variable TOKEN"},
		"header is impossible": {t.Context(), HTTP{URL: value(hung.URL), Headers: map[string]func(context.Context) (string, error){"A": value("swordfish\n")}}, "invalid header"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := test.h.Measure(test.ctx, plan.Subject{})
			if m.Verdict != inconclusive || !strings.Contains(m.Evidence, test.says) || strings.Contains(m.Evidence, "swordfish") {
				t.Errorf("%+v, want %q", m, test.says)
			}
		})
	}
}

// A body without an end is not waited for once its first line is there.
func TestHTTPReadsNoFurtherThanItShows(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "alive\nand ")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	measured(t, HTTP{URL: value(server.URL)}.Measure(t.Context(), plan.Subject{}), plan.Measure{Verdict: pass, Evidence: "200 OK: alive"})
	<-gone
}

func TestHTTPStaysWithItsHost(t *testing.T) {
	t.Parallel()
	login := serve(t, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked, with %q", r.Header.Get("X-Token"))
	})
	elsewhere := strings.Replace(login.URL, "127.0.0.1", "localhost", 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/here", http.StatusFound)
		case "/here":
			_, _ = io.WriteString(w, "well")
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		default:
			http.Redirect(w, r, elsewhere, http.StatusFound)
		}
	})
	headers := map[string]func(context.Context) (string, error){"X-Token": value("swordfish")}
	for path, want := range map[string]plan.Measure{
		"/moved": {Verdict: pass, Evidence: "200 OK: well"},
		"/round": {Verdict: fail, Evidence: `302 Found: <a href="/round">Found</a>.`},
	} {
		measured(t, HTTP{URL: value(server.URL + path), Headers: headers}.Measure(t.Context(), plan.Subject{}), want)
	}
	if m := (HTTP{URL: value(server.URL + "/away"), Headers: headers}).Measure(t.Context(), plan.Subject{}); m.Verdict != fail || !strings.HasPrefix(m.Evidence, "302 Found") {
		t.Errorf("%+v", m)
	}
}
