package state

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
)

// asked is a command in the form of the tables. The body is without the command's number, and so the same
// whenever a call is repeated: that is how a repetition is told from another command.
type asked struct {
	rollout string
	at      int64  // microseconds since 1970, UTC
	body    string // JSON
}

func ask(c rollout.Command) (asked, error) {
	c.Seq, c.At = 0, c.At.UTC().Truncate(time.Microsecond)
	body, err := json.Marshal(c)
	if err != nil {
		return asked{}, fmt.Errorf("encode the command %s: %w", c.Action, err)
	}
	return asked{rollout: c.Rollout, at: c.At.UnixMicro(), body: string(body)}, nil
}

// numbered returns the command as it is stored, under its number.
func (a *asked) numbered(seq int64) (rollout.Command, error) {
	var c rollout.Command
	if err := json.Unmarshal([]byte(a.body), &c); err != nil {
		return c, fmt.Errorf("rollout %s, command %d: %w", a.rollout, seq, err)
	}
	c.Seq = seq
	return c, nil
}
