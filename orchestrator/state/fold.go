package state

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// row is a fact in the form of the tables.
type row struct {
	seq  int64
	at   int64 // microseconds since 1970, UTC
	kind string
	body []byte
}

func encode(events []rollout.Event) ([]row, error) {
	rows := make([]row, len(events))
	for i, e := range events {
		kind, body, err := rollout.Encode(e.Fact)
		if err != nil {
			return nil, err
		}
		rows[i] = row{e.Seq, e.Time.UnixMicro(), kind, body}
	}
	return rows, nil
}

func (r *row) decode(id string) (rollout.Event, error) {
	fact, err := rollout.Decode(r.kind, r.body)
	if err != nil {
		return rollout.Event{}, fmt.Errorf("rollout %s, fact %d: %w", id, r.seq, err)
	}
	return rollout.Event{Rollout: id, Seq: r.seq, Time: micros(r.at), Fact: fact}, nil
}

// check makes sure that events are the facts of one rollout, numbered without a gap.
func check(events []rollout.Event) error {
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

// fresh returns which of events are to be stored where last is the number of the last stored fact, and
// which are there already and have to be equal.
func fresh(events []rollout.Event, last int64) (there, rest []rollout.Event, err error) {
	n := int(min(max(0, last-events[0].Seq+1), int64(len(events))))
	there, rest = events[:n], events[n:]
	if len(rest) > 0 && rest[0].Seq != last+1 {
		return nil, nil, fmt.Errorf("rollout %s: fact %d cannot follow fact %d", rest[0].Rollout, rest[0].Seq, last)
	}
	return there, rest, nil
}

// same compares facts that are stored already with those under the same numbers.
func same(id string, stored []row, events []rollout.Event) error {
	rows, err := encode(events)
	if err != nil {
		return err
	}
	for i := range rows {
		if i >= len(stored) || stored[i].seq != rows[i].seq || stored[i].kind != rows[i].kind || stored[i].at != rows[i].at ||
			!bytes.Equal(stored[i].body, rows[i].body) {
			return &rollout.ConflictError{Rollout: id, Seq: rows[i].seq}
		}
	}
	return nil
}

// pack makes a plan small: a fleet of 10,000 tenants is 2 MB of JSON, and a tenth of that packed.
func pack(p *plan.Plan) ([]byte, error) {
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

func unpack(data []byte) (*plan.Plan, error) {
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
