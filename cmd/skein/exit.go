package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator"
)

// Exit codes, as documented in docs/cli.md. Precedence: usage, held, interrupted, halted, failed, difference.
const (
	exitDone        = 0
	exitUsage       = 1 // usage, config, graph or internal error; nothing was touched
	exitFailed      = 2 // all attempted, some failed; or something could not be read
	exitHalted      = 3 // halted, aborted, paused, waiting
	exitDifference  = 4
	exitHeld        = 5 // another rollout holds the fleet
	exitInterrupted = 130
)

// exitCode ends the program with a code of its own after the output is complete. It prints nothing.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// exitOf is the exit code of an error, without showing it.
func exitOf(err error) int {
	var code exitCode
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	}
	return exitUsage
}

// usageError is a mistake on the command line.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }
func (e *usageError) Hint() string  { return e.hint }

// problemOf takes an error's hint and place from whatever in its chain knows them.
func problemOf(err error) view.Problem {
	p := view.Problem{Message: err.Error()}
	if _, ok := errors.AsType[*orchestrator.ChangeError](err); ok { // its message names what a program sets; others quote what users wrote
		p.Message = view.Commands(p.Message)
	}
	if err == context.Canceled { //nolint:errorlint // what wraps it says more
		p.Message = "interrupted"
	}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		p.Hint = view.Commands(hinted.Hint())
	}
	var placed interface{ Position() (string, int, int) }
	if errors.As(err, &placed) {
		p.File, p.Line, p.Col = placed.Position()
	}
	return p
}

// unreachedError is that the fleet could not be listed, for no other reason than that servers could not be reached:
// a reading command then ends as it does when tenants could not be read. It is shown as what it wraps.
type unreachedError struct{ err error }

func (e *unreachedError) Error() string { return e.err.Error() }
func (e *unreachedError) Unwrap() error { return e.err }

// unreached marks the error of listing the fleet, for a reading command. Other errors stay as they are.
func unreached(err error) error {
	if err == nil {
		return nil
	}
	for _, e := range all(err) {
		if at, ok := errors.AsType[*engine.Error](e); !ok || at.Class != engine.Connection {
			return err
		}
	}
	return &unreachedError{err}
}

// all takes joined errors apart, so that each is shown with its own hint.
func all(err error) []error {
	if e, ok := err.(*unreachedError); ok { //nolint:errorlint // what wraps one says more than it
		return all(e.err)
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, all(e)...)
		}
		return out
	}
	return []error{err}
}

// report shows an error and returns the exit code for it. JSON: one document on stdout, with the first
// error in front and, where there are several, all of them in "errors"; or the same as the last line of a stream that has
// begun. After the report of a stream there is no more to say on stdout.
func (s *streams) report(err error, asJSON bool) int {
	if code, ok := errors.AsType[exitCode](err); ok {
		return int(code)
	}
	n := exitUsage
	if _, ok := errors.AsType[*unreachedError](err); ok {
		n = exitFailed
	}
	if errors.Is(err, context.Canceled) {
		n = exitInterrupted
	}
	if held := heldError(err); held {
		n = exitHeld
	}
	var problems []view.Problem
	for _, e := range all(err) {
		problems = append(problems, problemOf(e))
	}
	if asJSON {
		doc := view.ErrorDocument{Error: problems[0]}
		if len(problems) > 1 {
			doc.Errors = problems
		}
		switch {
		case s.lines == nil, !s.lines.Begun():
			writeJSON(s.out, doc)
			return n
		case !s.lines.Ended():
			s.lines.Fail(doc, n)
			return n
		}
	}
	for _, p := range problems {
		fmt.Fprintf(s.err, "skein: %s\n", indent(p.Message))
		if p.Hint != "" {
			fmt.Fprintf(s.err, "  hint: %s\n", indent(p.Hint))
		}
	}
	return n
}

func indent(s string) string { return strings.ReplaceAll(s, "\n", "\n  ") }

func writeJSON(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a closed pipe ends the program by its signal
}
