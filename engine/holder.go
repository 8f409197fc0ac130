package engine

import (
	"fmt"
	"strings"
	"time"
)

// Holder is a session that keeps a tenant waiting, by a lock or by a snapshot that is older than an index build's.
type Holder struct {
	PID         uint32        `json:"pid"`                   // 0 = a prepared transaction
	Application string        `json:"application,omitempty"` // what the connecting role may not see is empty; so the rest
	User        string        `json:"user,omitempty"`
	State       string        `json:"state,omitempty"` // active, idle in transaction, …
	Age         time.Duration `json:"age"`             // of its transaction, in nanoseconds
	Query       string        `json:"query,omitempty"` // its last one, cut, with ? in place of the values in it
}

// String names the session in a line.
func (h Holder) String() string {
	if h.PID == 0 {
		return "a prepared transaction"
	}
	var about []string
	for _, part := range []string{h.Application, h.User, h.State} {
		if part != "" {
			about = append(about, part)
		}
	}
	about = append(about, "for "+h.Age.Round(time.Second).String())
	text := fmt.Sprintf("pid %d (%s)", h.PID, strings.Join(about, ", "))
	if h.Query != "" {
		text += ": " + h.Query
	}
	return text
}
