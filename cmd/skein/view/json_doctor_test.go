package view_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
)

func TestJSONOfAServersHealth(t *testing.T) {
	t.Parallel()
	health := postgres.Health{
		Version: "17.2", Number: 170002, Encoding: "UTF8", Role: "app", MaxConnections: 100, Reserved: 3, InUse: 7, Free: 90, LocksPerTx: 64,
		Pooled: true, Long: []engine.Backend{{PID: 7, User: "ada", State: "idle in transaction", Age: time.Minute}},
		Unusual: []postgres.Unusual{{Where: "role app", Name: "search_path", Value: "x", Overruled: true, Note: "n"}},
		Builds:  []postgres.Build{{Index: "app/public.i", PID: 8}},
	}
	var text []byte
	for _, h := range []postgres.Health{health, {}} { // arrays are never null
		doc, err := json.Marshal(view.HealthJSON(&h))
		if err != nil {
			t.Fatal(err)
		}
		text = append(append(text, doc...), '\n')
	}
	wantGolden(t, "health.jsonl", string(text))
}
