package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
)

// Store remembers rollouts: their plans and their facts. It says what was tried; where a tenant stands,
// only the tenant itself says. Implementations (orchestrator/store) are safe for concurrent use.
type Store interface {
	// Create stores a new rollout with its plan, as the fleet's latest. The id must be new.
	Create(ctx context.Context, plan *plan.Plan) error
	// Append stores facts of one rollout, in order, all or none. When it returns they are durable. Their
	// numbers go on where the stored ones end. It may be called again when it is not known what became of
	// a call: facts that are there already are passed over; another fact under the same number is a
	// *ConflictError.
	Append(ctx context.Context, events []Event) error
	// Load returns a rollout's plan and all its facts, which are never nil; ErrNoRollout when there is none
	// of that id.
	Load(ctx context.Context, rollout string) (*plan.Plan, []Event, error)
	// Events returns the facts of a rollout whose number is above after, in their order; never nil. ErrNoRollout when there
	// is none of that id.
	Events(ctx context.Context, rollout string, after int64) ([]Event, error)
	// List returns the fleet's rollouts, at most limit (0 = all), without their plans' tenants: the latest first, in the
	// order in which Create was called, whatever the clocks of their machines said.
	List(ctx context.Context, fleet string, limit int) ([]Summary, error)
}

// Commands are what operators asked of rollouts. Implementations are safe for concurrent use.
type Commands interface {
	// Send appends what an operator asks of a rollout and returns it with its number; ErrNoRollout when
	// there is none of that id. It may be called while another process writes the rollout's facts. A call of
	// which it is not known what became may be repeated: it is the same command when all but Seq is equal.
	Send(ctx context.Context, c Command) (Command, error)
	// Since returns the commands of a rollout whose number is above after, in their order; never nil.
	Since(ctx context.Context, rollout string, after int64) ([]Command, error)
}

// Locks are the locks of fleets, so that two rollouts of one never run at once. Implementations are safe for concurrent use.
type Locks interface {
	// Lock takes a fleet's lock by try; *LockedError says who has it.
	Lock(ctx context.Context, fleet string, holder Holder) (Lease, error)
	// Holder returns who has a fleet's lock now, without taking it; false = no process has it. A holder whose name cannot be
	// read is the zero Holder.
	Holder(ctx context.Context, fleet string) (Holder, bool, error)
}

// FullStore is what the packages of orchestrator/store open: all of it in one place.
type FullStore interface {
	Store
	Commands
	Locks
	// Close releases what the store holds.
	Close() error
}

// Lease is the fleet's lock in the holder's hands. It ends with the process at the latest.
type Lease interface {
	// Lost is closed when the lock is no longer ours: the connection that held it broke, or the store is not the one any
	// more that was locked. It is noticed within seconds.
	Lost() <-chan struct{}
	// Err is why the lock is lost; nil while it is ours. It looks itself, and so may know before Lost is closed.
	Err() error
	Release(ctx context.Context) error
}

// Holder says who has the fleet's lock.
type Holder struct {
	Rollout string    `json:"rollout"` // "" for commands that are no rollout
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	User    string    `json:"user"`
	Since   time.Time `json:"since"`
}

// LockedError is returned when another process holds the fleet.
type LockedError struct {
	Fleet  string
	Holder Holder
}

func (e *LockedError) Error() string {
	h := e.Holder
	if h == (Holder{}) {
		return fmt.Sprintf("another process holds the fleet %q", e.Fleet)
	}
	what := "rollout " + h.Rollout
	if h.Rollout == "" {
		what = "another command"
	}
	return fmt.Sprintf("%s holds the fleet %q: %s on %s (pid %d) since %s",
		what, e.Fleet, h.User, h.Host, h.PID, h.Since.UTC().Format(time.RFC3339))
}

// Hint says what to do about it.
func (e *LockedError) Hint() string {
	return "wait for it, or end that process; the lock ends with it"
}

// ConflictError is returned when a store holds another fact under a number than the one to be stored:
// two processes write the same rollout, and one of them must stop.
type ConflictError struct {
	Rollout string
	Seq     int64
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("rollout %s is written by another process, too: fact %d is stored already, and differs", e.Rollout, e.Seq)
}

// StoreLostError says that a store is no longer the file that was opened: what a run writes there is lost.
type StoreLostError struct {
	Path string
	What string // such as "was removed"
}

func (e *StoreLostError) Error() string { return "the store " + e.Path + " " + e.What }

// Hint says what to do about it.
func (e *StoreLostError) Hint() string {
	return "put the file back and resume the rollout, or start a new one with a new store: the tenants themselves record what was done in them"
}

// ErrNoRollout is returned for a rollout id that the store does not have.
var ErrNoRollout = errors.New("no such rollout")

// Summary is a rollout in a list.
type Summary struct {
	ID       string
	Number   int64 // place in the order in which the fleet's rollouts were made, from 1
	Kind     plan.Kind
	State    State
	Target   string
	Started  time.Time
	Finished time.Time // zero while it runs
	Counts   map[plan.Outcome]int

	FleetSize int // of the plan: tenants of the whole fleet
}

// Observer is shown what happens: each stored fact once it is durable, and the ticks between them. It is
// called from one goroutine; it may be slow, for the rollout does not wait for it, and it decides nothing.
type Observer interface {
	Observe(Event)
}

// Now returns the time as it is stored: UTC, whole microseconds.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// PendingCommands reads the commands of a rollout that were not answered yet, in their order.
func PendingCommands(ctx context.Context, store Commands, rollout string, report *Report) ([]Command, error) {
	after, beyond := report.Acknowledged()
	all, err := store.Since(ctx, rollout, after)
	if err != nil {
		return nil, err
	}
	var fresh []Command
	for _, c := range all {
		if !beyond[c.Seq] {
			fresh = append(fresh, c)
		}
	}
	return fresh, nil
}

// CommandsAfter reads the commands of a rollout above a number, in their order, within ten seconds.
func CommandsAfter(ctx context.Context, store Commands, rollout string, after int64) ([]Command, error) {
	ctx, cancel := context.WithTimeout(ctx, pollBound)
	defer cancel()
	return store.Since(ctx, rollout, after)
}

// pollBound is how long [CommandsAfter] may take.
const pollBound = 10 * time.Second
