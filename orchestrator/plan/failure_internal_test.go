package plan

import (
	"fmt"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// Errors are alike by what the server says in fields, whatever it says in words.
func TestCauseOfAnError(t *testing.T) {
	t.Parallel()
	anna := tenant.Tenant{ID: "app/anna", Location: engine.Location{Database: "app", Schema: "anna"}}
	bob := tenant.Tenant{ID: "app/bob", Location: engine.Location{Database: "app", Schema: "bob"}}
	file := func(name string) tenant.Tenant {
		return tenant.Tenant{ID: name, Location: engine.Location{File: "/data/" + name + ".db"}}
	}
	ofServer := func(change func(*engine.Error)) *engine.Error {
		e := &engine.Error{Class: engine.Data, SQLState: "23505", Revision: "r1", File: "r1.sql", Line: 7, Number: 2, Fields: &engine.Fields{Table: "users", Routine: "_bt_check_unique"}}
		change(e)
		return e
	}
	same := func(*engine.Error) {}
	for name, test := range map[string]struct {
		a, b      *engine.Error
		of, other tenant.Tenant
		alike     bool
	}{
		"words differ":              {ofServer(func(e *engine.Error) { e.Message = `say "abc" now` }), ofServer(func(e *engine.Error) { e.Message = "0xe6 0x9a" }), anna, bob, true},
		"hints differ":              {ofServer(func(e *engine.Error) { e.Advice = "ask ann" }), ofServer(same), anna, bob, true},
		"the tenant in an index":    {ofServer(func(e *engine.Error) { e.Fields.Constraint = "ix_anna_users" }), ofServer(func(e *engine.Error) { e.Fields.Constraint = "ix_bob_users" }), anna, bob, true},
		"the tenant in a function":  {ofServer(func(e *engine.Error) { e.Fields.Calls = []string{"PL/pgSQL function anna.f() line 3"} }), ofServer(func(e *engine.Error) { e.Fields.Calls = []string{"PL/pgSQL function bob.f() line 3"} }), anna, bob, true},
		"lines of a template":       {ofServer(func(e *engine.Error) { e.Line = 9 }), ofServer(same), anna, bob, true},
		"texts of skein":            {&engine.Error{Class: engine.Gone, Message: "schema anna of database app is not there"}, &engine.Error{Class: engine.Gone, Message: "schema bob of database app is not there"}, anna, bob, true},
		"texts about files":         {&engine.Error{Class: engine.Data, Message: "open /data/one.db: 3 faults in one"}, &engine.Error{Class: engine.Data, Message: "open /data/two.db: 17 faults in two"}, file("one"), file("two"), true},
		"another SQLSTATE":          {ofServer(func(e *engine.Error) { e.SQLState = "23503" }), ofServer(same), anna, bob, false},
		"another revision":          {ofServer(func(e *engine.Error) { e.Revision = "r2" }), ofServer(same), anna, bob, false},
		"another statement":         {ofServer(func(e *engine.Error) { e.Number = 3 }), ofServer(same), anna, bob, false},
		"another table":             {ofServer(func(e *engine.Error) { e.Fields.Table = "orders" }), ofServer(same), anna, bob, false},
		"another column":            {ofServer(func(e *engine.Error) { e.Fields.Column = "id" }), ofServer(same), anna, bob, false},
		"another type":              {ofServer(func(e *engine.Error) { e.Fields.DataType = "d" }), ofServer(same), anna, bob, false},
		"another constraint":        {ofServer(func(e *engine.Error) { e.Fields.Constraint = "c2" }), ofServer(func(e *engine.Error) { e.Fields.Constraint = "c1" }), anna, bob, false},
		"another routine":           {ofServer(func(e *engine.Error) { e.Fields.Routine = "ri" }), ofServer(same), anna, bob, false},
		"another line of a body":    {ofServer(func(e *engine.Error) { e.Fields.Calls = []string{"line 3"} }), ofServer(func(e *engine.Error) { e.Fields.Calls = []string{"line 4"} }), anna, bob, false},
		"another place in the text": {ofServer(func(e *engine.Error) { e.Fields.Words = 3 }), ofServer(same), anna, bob, false},
		"the tenant within a word":  {ofServer(func(e *engine.Error) { e.Fields.Table = "savanna" }), ofServer(func(e *engine.Error) { e.Fields.Table = "savbob" }), anna, bob, false},
		"other texts of skein":      {&engine.Error{Class: engine.Gone, Message: "is gone"}, &engine.Error{Class: engine.Gone, Message: "is another one"}, anna, bob, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := FailureOf(test.a, &test.of), FailureOf(fmt.Errorf("wrapped: %w", test.b), &test.other)
			if alike := a.Key(test.of.ID) == b.Key(test.other.ID); alike != test.alike {
				t.Errorf("alike: %v", alike)
			}
		})
	}
}
