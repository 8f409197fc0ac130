package engine

import (
	"fmt"
	"strings"
	"time"
)

// Holder is a session that a tenant waits for: it holds a lock, or a snapshot that is older than that of an index build.
type Holder struct {
	PID         uint32        `json:"pid"`                   // 0 = a prepared transaction
	Application string        `json:"application,omitempty"` // "" where the connecting role may not see it; so are the next
	User        string        `json:"user,omitempty"`
	State       string        `json:"state,omitempty"` // active, idle in transaction, …
	Age         time.Duration `json:"age"`             // of its transaction, in nanoseconds
	Query       string        `json:"query,omitempty"` // its last one, cut to about 200 bytes, with ? in place of values
}

// String describes the session in one line.
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
