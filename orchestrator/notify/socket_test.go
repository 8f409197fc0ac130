package notify_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/orchestrator/notify"
)

func TestHookOverASocket(t *testing.T) {
	t.Parallel()
	got := make(chan map[string]any, 9)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]any
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/hook" || r.Header.Get("Content-Type") != "application/json; charset=utf-8" || r.UserAgent() != "skein" {
			t.Errorf("%s %s with %v", r.Method, r.URL, r.Header)
		}
		got <- m
	}))
	defer server.Close()
	n := notify.New([]notify.Hook{{URL: url(server.URL + "/hook\n")}}, notify.Config{Warn: func(m string) { t.Error(m) }})
	for _, e := range everyOccasion() {
		n.Observe(e)
	}
	n.Close(t.Context())
	var occasions []any
	for range len(got) {
		occasions = append(occasions, (<-got)["occasion"])
	}
	if diff := cmp.Diff([]any{"started", "approval", "gate", "halted"}, occasions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
