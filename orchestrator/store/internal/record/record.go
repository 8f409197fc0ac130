package record

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Row is a fact in the form of the tables.
type Row struct {
	Seq  int64
	At   int64 // microseconds since 1970, UTC
	Kind string
	Body []byte
}

// Rows returns the rows of events, in their order.
func Rows(events []rollout.Event) ([]Row, error) {
	rows := make([]Row, len(events))
	for i, e := range events {
		kind, body, err := rollout.Encode(e.Fact)
		if err != nil {
			return nil, err
		}
		rows[i] = Row{e.Seq, e.Time.UnixMicro(), kind, body}
	}
	return rows, nil
}

// Event returns the fact of the row as an event of the rollout with that id.
func (r *Row) Event(id string) (rollout.Event, error) {
	fact, err := rollout.Decode(r.Kind, r.Body)
	if err != nil {
		return rollout.Event{}, fmt.Errorf("rollout %s, fact %d: %w", id, r.Seq, err)
	}
	return rollout.Event{Rollout: id, Seq: r.Seq, Time: Micros(r.At), Fact: fact}, nil
}

// Check makes sure that events are the facts of one rollout, numbered without a gap.
func Check(events []rollout.Event) error {
	for i, e := range events {
		switch {
		case e.Rollout != events[0].Rollout:
			return errors.New("facts of two rollouts cannot be appended together")
		case e.Seq < 1:
			return errors.New("a tick cannot be stored")
		case e.Seq != events[0].Seq+int64(i):
			return fmt.Errorf("rollout %s: fact %d follows fact %d", e.Rollout, e.Seq, events[0].Seq+int64(i)-1)
		}
	}
	return nil
}

// Fresh returns which of events are to be stored where last is the number of the last stored fact, and
// which are there already and have to be equal.
func Fresh(events []rollout.Event, last int64) (there, rest []rollout.Event, err error) {
	n := int(min(max(0, last-events[0].Seq+1), int64(len(events))))
	there, rest = events[:n], events[n:]
	if len(rest) > 0 && rest[0].Seq != last+1 {
		return nil, nil, fmt.Errorf("rollout %s: fact %d cannot follow fact %d", rest[0].Rollout, rest[0].Seq, last)
	}
	return there, rest, nil
}

// Same compares facts that are stored already with those under the same numbers.
func Same(id string, stored []Row, events []rollout.Event) error {
	rows, err := Rows(events)
	if err != nil {
		return err
	}
	for i := range rows {
		if i >= len(stored) || stored[i].Seq != rows[i].Seq || stored[i].Kind != rows[i].Kind || stored[i].At != rows[i].At ||
			!bytes.Equal(stored[i].Body, rows[i].Body) {
			return &rollout.ConflictError{Rollout: id, Seq: rows[i].Seq}
		}
	}
	return nil
}

// PackPlan makes a plan small: a fleet of 10,000 tenants is 2 MB of JSON, and a tenth of that packed.
func PackPlan(p *plan.Plan) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(z).Encode(p); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// UnpackPlan reverses [PackPlan].
func UnpackPlan(data []byte) (*plan.Plan, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	p := &plan.Plan{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, err
	}
	return p, nil
}

// Opening is the line of a rollout that has no facts yet.
func Opening(p *plan.Plan) rollout.Summary {
	planned := 0
	for _, w := range p.Waves {
		planned += w.Planned
	}
	return rollout.Summary{
		ID: p.Rollout, Kind: p.Kind, State: rollout.StateRunning, Target: p.Target, Started: p.Created,
		Counts: map[plan.Outcome]int{plan.OutcomePending: planned}, FleetSize: p.FleetSize,
	}
}

// Loaded puts together what Load returns.
func Loaded(id string, packed []byte, stored []Row) (*plan.Plan, []rollout.Event, error) {
	plan, err := UnpackPlan(packed)
	if err != nil {
		return nil, nil, err
	}
	events, err := Events(id, stored)
	return plan, events, err
}

// Events are the facts of stored rows; never nil.
func Events(id string, stored []Row) ([]rollout.Event, error) {
	events := make([]rollout.Event, len(stored))
	for i := range stored {
		e, err := stored[i].Event(id)
		if err != nil {
			return nil, err
		}
		events[i] = e
	}
	return events, nil
}

// Micros returns the time, in UTC, that is so many microseconds after 1970 began.
func Micros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// FleetKey is the same for all processes, and in a database of its own hardly met by anything else.
func FleetKey(fleet string) int64 {
	sum := sha256.Sum256([]byte("skein fleet\x00" + fleet))
	return int64(binary.BigEndian.Uint64(sum[:])) // all 64 bits are wanted
}

// BusyTime is how long a call is repeated while another process has the store, unless its context ends before.
const BusyTime = 20 * time.Second
