package plan

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine"
)

// Stores and plan files of older programs have cohorts in this form, and newer ones read it.
func TestCohortsKeepTheirStoredForm(t *testing.T) {
	t.Parallel()
	why := &Failure{Class: engine.Guard, Message: "no"}
	for stored, c := range map[string]Cohort{
		`{"state":"behind","stands":"0a","from":["a"],"to":["b"],"steps":["b"],"sums":["s"],"count":3,"target":"b"}`: {
			Action: ActionMigrate, State: engine.Behind, Stands: "0a", From: []string{"a"}, To: []string{"b"}, Steps: []string{"b"}, Sums: []string{"s"}, Count: 3, Target: "b",
		},
		`{"state":"current","from":["b"],"to":["b"],"steps":[],"sums":[],"count":1}`: {
			Action: ActionNone, State: engine.Current, From: []string{"b"}, To: []string{"b"}, Steps: []string{}, Sums: []string{}, Count: 1,
		},
		`{"state":"behind","from":[],"to":[],"steps":[],"sums":[],"count":1,"refused":{"class":"guard","error":"no"}}`: {
			Action: ActionRefuse, State: engine.Behind, From: []string{}, To: []string{}, Steps: []string{}, Sums: []string{}, Count: 1, Failure: why,
		},
		`{"state":"behind","from":[],"to":[],"steps":[],"sums":[],"count":1,"skipped":"frozen"}`: {
			Action: ActionSkip, State: engine.Behind, From: []string{}, To: []string{}, Steps: []string{}, Sums: []string{}, Count: 1, Reason: "frozen",
		},
		`{"state":"missing","from":[],"to":[],"steps":[],"sums":[],"count":1,"skipped":"frozen","gone":true}`: {
			Action: ActionGone, State: engine.Missing, From: []string{}, To: []string{}, Steps: []string{}, Sums: []string{}, Count: 1, Reason: "frozen",
		},
	} {
		text, err := json.Marshal(c)
		if err != nil || string(text) != stored {
			t.Errorf("%s is stored as %s (%v), want %s", c.Action, text, err, stored)
		}
		var got Cohort
		if err := json.Unmarshal([]byte(stored), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, got, cmpopts.IgnoreUnexported(Cohort{})); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.Action, diff)
		}
	}
}

// A key that this program does not know may ask for something that would not be done.
func TestPlanFileWithAnUnknownKeyOfACohortIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := decodePlan(nil, []byte(`{"cohorts":[{"steps":[]}],"waves":[]}`)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`{"cohorts":[{"steps":[],"twice":true}],"waves":[]}`, `{"cohorts":[],"waves":[],"twice":true}`} {
		if _, err := decodePlan(nil, []byte(text)); err == nil {
			t.Errorf("%s is taken for a plan", text)
		}
	}
}
