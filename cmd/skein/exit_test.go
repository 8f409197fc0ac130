package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

func TestExitCodeWhenTheFleetCannotBeListed(t *testing.T) {
	t.Parallel()
	away := &tenant.Error{Source: "db1", Message: "cannot list", Advice: "is it up?", Err: fmt.Errorf("dial: %w", &engine.Error{Class: engine.Connection, Message: "refused"})}
	denied := &tenant.Error{Source: "db2", Message: "denied", Err: &engine.Error{Class: engine.Server, Message: "denied"}}
	for _, test := range []struct {
		name string
		err  error
		want int
	}{
		{"a server is away", away, exitFailed},
		{"two are", errors.Join(away, errors.Join(away)), exitFailed},
		{"one is, and one does not let us in", errors.Join(away, denied), exitUsage},
		{"a mistake", &usageError{"no", ""}, exitUsage},
		{"interrupted", fmt.Errorf("%w: %w", context.Canceled, away), exitInterrupted},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var plain, marked bytes.Buffer
			(&streams{err: &plain}).report(test.err, false)
			err := errors.Join(unreached(test.err)) // as closing joins what it meets
			if code := (&streams{err: &marked}).report(err, false); code != test.want {
				t.Errorf("exit code %d, want %d", code, test.want)
			}
			if plain.String() != marked.String() || !strings.HasPrefix(plain.String(), "skein: ") {
				t.Errorf("shown as\n%s\nand not as\n%s", marked.String(), plain.String())
			}
		})
	}
	if unreached(nil) != nil {
		t.Error("what went well is an error")
	}
}

// What users wrote between backticks is not taken for a name of the library.
func TestMessagesAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	const message = "open `Plan`: no such file"
	if got := problemOf(errors.New(message)).Message; got != message {
		t.Errorf("got %q, want %q", got, message)
	}
}
