package record

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
)

// Command is a command in the form of the tables. The body is without the command's number, and so the same
// when a call is repeated: that distinguishes a repetition from another command.
type Command struct {
	Rollout string
	At      int64  // microseconds since 1970, UTC
	Body    string // JSON
}

// NewCommand returns the row of a command. Its time is cut to microseconds; its number is not part of the row.
func NewCommand(c rollout.Command) (Command, error) {
	c.Seq, c.At = 0, c.At.UTC().Truncate(time.Microsecond)
	body, err := json.Marshal(c)
	if err != nil {
		return Command{}, fmt.Errorf("encode the command %s: %w", c.Action, err)
	}
	return Command{Rollout: c.Rollout, At: c.At.UnixMicro(), Body: string(body)}, nil
}

// Numbered returns the command as it is stored, under its number.
func (a *Command) Numbered(seq int64) (rollout.Command, error) {
	var c rollout.Command
	if err := json.Unmarshal([]byte(a.Body), &c); err != nil {
		return c, fmt.Errorf("rollout %s, command %d: %w", a.Rollout, seq, err)
	}
	c.Seq = seq
	return c, nil
}
