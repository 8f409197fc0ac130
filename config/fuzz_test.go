package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzLoad looks for configs that make Load panic or hang, or that are shown in a form that is none.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/errors/*.yaml")
	for _, file := range append(files, "testdata/full.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, "", "")
	}
	f.Add([]byte(minimal), "ROLLOUT__MAX_FAILURES", "1%")
	f.Add([]byte("servers: {m: {url: postgres://h/d}}\ntenants: [{server: m}]"), "SERVERS__m__PASSWORD__ENV", "X")
	f.Fuzz(func(t *testing.T, text []byte, name, value string) {
		for _, offline := range []bool{false, true} {
			p, err := load("skein.yaml", text, Options{Env: []string{"SKEIN_" + name + "=" + value}, Offline: offline})
			if err != nil {
				_ = err.Error()
				continue
			}
			_ = p.SQLite()
			var e *Error
			_, err = load("skein.yaml", ShowYAML(p), Options{Env: []string{}, Offline: true})
			if errors.As(err, &e) && e.Kind != KindConflict { // a password from a variable beside one in the URL
				t.Errorf("what is shown cannot be loaded: %v\n%s", err, ShowYAML(p))
			}
		}
	})
}
