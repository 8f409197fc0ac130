package postgres

import (
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
)

func TestAnErrorAboutACutNameSaysSo(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 63) + "_start_idx"
	e := &engine.Error{SQLState: "42P07", Message: `relation "` + long[:63] + `" already exists`, Advice: "was the change made by hand?"}
	explainCutName(e, "CREATE INDEX "+long+" ON t (a)")
	if !strings.Contains(e.Message, `name "`+long+`"`) || strings.Contains(e.Advice, "by hand") {
		t.Errorf("%s\nhint %s", e.Message, e.Advice)
	}
	for _, other := range []*engine.Error{{SQLState: "42P07", Message: "a"}, {SQLState: "23505", Message: "b"}} {
		text := "CREATE INDEX short ON t (a)"
		if other.SQLState == "23505" {
			text = "INSERT INTO t SELECT 1 AS " + long
		}
		if explainCutName(other, text); len(other.Message) != 1 {
			t.Errorf("%s: %s", other.SQLState, other.Message)
		}
	}
}
