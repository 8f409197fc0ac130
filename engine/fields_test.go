package engine_test

import (
	"errors"
	"testing"

	"github.com/skeindb/skein/engine"
)

func TestErrorWithoutValues(t *testing.T) {
	t.Parallel()
	duplicate := &engine.Fields{Severity: "ERROR", Condition: "unique_violation", Table: "users", Constraint: "users_email_key"}
	const text = `duplicate key: Key (email)=(ann "@" secret.org) exists`
	for name, test := range map[string]struct {
		err             engine.Error
		message, advice string
	}{
		"of skein":                {engine.Error{Message: "no schema t_1", Advice: "look"}, "no schema t_1", "look"},
		"of a server":             {engine.Error{SQLState: "23505", Message: text, Quoted: text, Fields: duplicate, Advice: "look"}, "ERROR 23505 unique_violation: table users, constraint users_email_key", "look"},
		"within words of skein":   {engine.Error{SQLState: "23505", Message: "in vain: " + text + " (line 7)", Quoted: text, Fields: duplicate}, "in vain: ERROR 23505 unique_violation: table users, constraint users_email_key (line 7)", ""},
		"in other words":          {engine.Error{SQLState: "23505", Message: "the query would write: secret", Quoted: text, Fields: duplicate}, "ERROR 23505 unique_violation: table users, constraint users_email_key", ""},
		"with the server's hint":  {engine.Error{SQLState: "P0001", Message: text, Quoted: text, Fields: &engine.Fields{Severity: "ERROR", Condition: "raise_exception"}, Advice: "ask ann", QuotedAdvice: "ask ann"}, "ERROR P0001 raise_exception", ""},
		"with a better hint":      {engine.Error{SQLState: "P0001", Message: text, Quoted: text, Fields: &engine.Fields{Severity: "ERROR"}, Advice: "look", QuotedAdvice: "ask ann"}, "ERROR P0001", "look"},
		"of a column and a type":  {engine.Error{Message: text, Quoted: text, Fields: &engine.Fields{Severity: "error", Table: "t", Column: "c", DataType: "d"}}, "error: table t, column c, type d", ""},
		"that quotes a panic":     {engine.Error{Message: "panic: ann", Quoted: "ann"}, "panic: (text left out)", ""},
		"of a server, of nothing": {engine.Error{SQLState: "XX000", Fields: &engine.Fields{Severity: "ERROR"}, Err: errors.New("ann")}, "ERROR XX000", ""},
	} {
		if message, advice := test.err.WithoutValues(); message != test.message || advice != test.advice {
			t.Errorf("%s: %q, %q", name, message, advice)
		}
	}
}
