package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShowSaysWhereEachValueIsFrom(t *testing.T) {
	t.Parallel()
	p, err := Load("testdata/full.yaml", Options{
		Env: []string{
			"SKEIN_FLEET=other", "SKEIN_SERVERS__Second.EU__SEARCH_PATH=a,b", "SKEIN_SERVERS__main__SEARCH_PATH=auto",
			"SKEIN_SERVERS__main__PASSWORD=hunter2", "SKEIN_STATE__STORE=postgres://u:hunter2@h/state",
		},
		Overrides: map[string]string{"rollout.concurrency": "7"},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/full.golden", string(ShowYAML(p)))
}

func TestWhatIsShownMeansTheSame(t *testing.T) {
	t.Parallel()
	p, err := Load("testdata/full.yaml", Options{Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	again, err := load("testdata/full.yaml", ShowYAML(p), Options{Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, again, projectOptions()...); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	values := func(p *Project) map[string]any {
		m := map[string]any{}
		for _, s := range Show(p) {
			m[s.Key] = s.Value
		}
		return m
	}
	if diff := cmp.Diff(values(p), values(again)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
