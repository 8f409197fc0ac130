package revision

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// fileErrors takes an error apart into what it joins.
func fileErrors(t *testing.T, err error) []*FileError {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		fe, ok := errors.AsType[*FileError](err)
		if !ok {
			t.Fatalf("not a FileError: %v", err)
		}
		return []*FileError{fe}
	}
	var all []*FileError
	for _, e := range joined.Unwrap() {
		all = append(all, fileErrors(t, e)...)
	}
	return all
}

// Every file below testdata/bad is wrong in the way its name says; the golden file is what people get to read.
func TestMistakesAreToldWithPlaceAndAdvice(t *testing.T) {
	t.Parallel()
	for dir, dialect := range map[string]Dialect{"bad": Postgres, "bad-sqlite": SQLite} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			revs, err := ReadAll(os.DirFS("testdata/"+dir), dialect)
			if revs != nil {
				t.Errorf("%d revisions in spite of errors", len(revs))
			}
			var got strings.Builder
			for _, fe := range fileErrors(t, err) {
				fmt.Fprintf(&got, "%v\n", fe)
				if fe.Other != "" {
					fmt.Fprintf(&got, "    other: %s\n", fe.Other)
				}
				if fe.Kind != KindSyntax {
					fmt.Fprintf(&got, "    kind:  %s\n", fe.Kind)
				}
				if fe.Hint() != "" {
					fmt.Fprintf(&got, "    hint:  %s\n", fe.Hint())
				}
			}
			golden(t, "testdata/"+dir+".golden", got.String())
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
