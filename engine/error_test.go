package engine

import (
	"errors"
	"io"
	"testing"
)

func TestErrorTells(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]Error{
		"it broke":                                 {Message: "it broke"},
		"it broke (SQLSTATE 42P01)":                {Message: "it broke", SQLState: "42P01"},
		"it broke (SQLite 2067)":                   {Message: "it broke", SQLState: "2067"},
		"it broke (SQLite 19)":                     {Message: "it broke", SQLState: "19"},
		"revision a1: it broke":                    {Message: "it broke", Revision: "a1"},
		"revision a1 (a1.sql): it broke":           {Message: "it broke", Revision: "a1", File: "a1.sql"},
		"revision a1 (x/a1.sql:7): it broke":       {Message: "it broke", Revision: "a1", File: "x/a1.sql", Line: 7, Col: 3},
		"revision a1: it broke (SQLSTATE 23505)":   {Message: "it broke", Revision: "a1", Line: 7, SQLState: "23505"},
		"it broke, and the place without its name": {Message: "it broke, and the place without its name", File: "a1.sql", Line: 7},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestErrorHasCauseHintAndPosition(t *testing.T) {
	t.Parallel()
	e := &Error{Message: "it broke", Advice: "correct it", File: "a1.sql", Line: 7, Col: 3, Err: io.ErrUnexpectedEOF}
	if !errors.Is(e, io.ErrUnexpectedEOF) {
		t.Error("the cause is not to be found")
	}
	if e.Hint() != "correct it" {
		t.Errorf("hint %q", e.Hint())
	}
	if file, line, col := e.Position(); file != "a1.sql" || line != 7 || col != 3 {
		t.Errorf("position %s:%d:%d", file, line, col)
	}
}

func TestLocationsAreWrittenAsPaths(t *testing.T) {
	t.Parallel()
	for want, location := range map[string]Location{
		"eu1/app/acme": {Dialect: "postgres", Server: "eu1", Database: "app", Schema: "acme", File: "x"},
		"/data/a.db":   {Dialect: "sqlite", File: "/data/a.db"},
	} {
		if got := location.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
