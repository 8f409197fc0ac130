package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files and the table of keys in the documentation")

// TestEveryMistakeIsShownWithItsPlace loads testdata/errors/*.yaml. First lines of the form `# env: A=b`
// and `# flag: key=value` are the environment and the flags.
func TestEveryMistakeIsShownWithItsPlace(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/errors/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			opts := Options{Env: []string{}, Overrides: map[string]string{}}
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSuffix(line, "\n")
				if v, ok := strings.CutPrefix(line, "# env: "); ok {
					opts.Env = append(opts.Env, v)
				}
				if v, ok := strings.CutPrefix(line, "# flag: "); ok {
					key, value, _ := strings.Cut(v, "=")
					opts.Overrides[key] = value
				}
			}
			_, err = load(filepath.Base(file), text, opts)
			if err == nil {
				t.Fatal("loaded without an error")
			}
			var got strings.Builder
			for _, e := range parts(err) {
				fmt.Fprintln(&got, e)
				var typed *Error
				if !errors.As(e, &typed) {
					t.Fatalf("%T is no *Error", e)
				}
				if typed.Hint() != "" {
					fmt.Fprintln(&got, "  hint:", typed.Hint())
				}
			}
			if strings.Contains(got.String(), "hunter2") || strings.Contains(got.String(), "12345678") {
				t.Errorf("a secret is shown:\n%s", got.String())
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", got.String())
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update to accept):\n%s", file, diff)
	}
}
