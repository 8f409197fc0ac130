package plan

import (
	"encoding/json"

	"github.com/skeindb/skein/engine"
)

// storedCohort is a cohort as plans, facts and plan files have it. What is done with its tenants is said by Refused,
// Skipped, Gone and Steps: see action.
type storedCohort struct {
	State   engine.State `json:"state"`
	Stands  string       `json:"stands,omitempty"`
	From    []string     `json:"from"`
	To      []string     `json:"to"`
	Steps   []string     `json:"steps"`
	Sums    []string     `json:"sums"`
	Count   int          `json:"count"`
	Refused *Failure     `json:"refused,omitempty"`
	Skipped string       `json:"skipped,omitempty"`
	Target  string       `json:"target,omitempty"`
	Gone    bool         `json:"gone,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (c Cohort) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedCohort{
		State: c.State, Stands: c.Stands, From: c.From, To: c.To, Steps: c.Steps, Sums: c.Sums, Count: c.Count,
		Refused: c.Failure, Skipped: c.Reason, Target: c.Target, Gone: c.Action == ActionGone,
	})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *Cohort) UnmarshalJSON(data []byte) error {
	var s storedCohort
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*c = s.cohort()
	return nil
}

func (s *storedCohort) cohort() Cohort {
	return Cohort{
		State: s.State, Stands: s.Stands, From: s.From, To: s.To, Steps: s.Steps, Sums: s.Sums, Count: s.Count,
		Action: s.action(), Failure: s.Refused, Reason: s.Skipped, Target: s.Target,
	}
}

func (s *storedCohort) action() Action {
	switch {
	case s.Gone:
		return ActionGone
	case s.Skipped != "":
		return ActionSkip
	case s.Refused != nil:
		return ActionRefuse
	case len(s.Steps) > 0:
		return ActionMigrate
	}
	return ActionNone
}
