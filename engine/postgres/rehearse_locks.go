package postgres

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/skeindb/skein/engine"
)

// lockSamples collects the lock samples of one rehearsal, in order. The zero value is ready to use.
type lockSamples struct {
	relations map[uint32]relation // of the tenant before the bodies ran, and those outside of it; nil before the first sample
	spans     map[hold]span
	last      time.Duration // time of the last sample
}

// relation is a locked relation; table is its own OID, or for an index that of its table.
type relation struct {
	name  string
	table uint32
}

// hold is one lock. Its span runs from the sample before it was seen to the last sample that saw it, both measured from the
// arrival of the message.
type hold struct {
	relation uint32
	mode     string
}

type span struct{ from, to time.Duration }

// take is called with the rows of each sample.
func (l *lockSamples) take(_ piece, rows [][][]byte) {
	if l.relations == nil {
		l.relations, l.spans = map[uint32]relation{}, map[hold]span{}
		for _, r := range rows {
			l.relations[parseOID(r[0])] = relation{name: string(r[2]), table: parseOID(r[1])}
		}
		return
	}
	if rows[0][1] == nil {
		return // the sample was skipped
	}
	micros, _ := strconv.ParseInt(string(rows[0][0]), 10, 64)
	now := time.Duration(micros) * time.Microsecond
	if l.last == 0 {
		l.last = now // the first sample: no body has run
	}
	for _, seen := range locksSeen(rows[0][1]) {
		h := hold{seen.relation, seen.mode}
		if seen.name != "" {
			l.relations[h.relation] = relation{name: seen.name, table: seen.table}
		}
		s, known := l.spans[h]
		if !known {
			s.from = l.last
		}
		s.to = now
		l.spans[h] = s
	}
	l.last = now
}

// lockSeen is one lock of a sample.
type lockSeen struct {
	relation uint32
	mode     string
	name     string // "" for a relation of the tenant that existed before
	table    uint32
}

// locksSeen reads the locks of a sample; nil for malformed text.
func locksSeen(text []byte) []lockSeen {
	var rows [][]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&rows) != nil {
		return nil
	}
	seen := make([]lockSeen, 0, len(rows))
	for _, r := range rows {
		var s lockSeen
		s.relation = parseOID([]byte(fmt.Sprint(r[0])))
		s.mode, _ = r[1].(string)
		s.name, _ = r[2].(string)
		s.table = parseOID([]byte(fmt.Sprint(r[3])))
		seen = append(seen, s)
	}
	return seen
}

// locks returns the locks that are not implied by others, the longest held first.
func (l *lockSamples) locks() []engine.LockUse {
	var news []hold
	for h := range l.spans {
		if !l.implied(h) {
			news = append(news, h)
		}
	}
	slices.SortFunc(news, func(a, b hold) int {
		return cmp.Or(cmp.Compare(l.length(b), l.length(a)), cmp.Compare(strength(b.mode), strength(a.mode)),
			cmp.Compare(l.relations[a.relation].name, l.relations[b.relation].name), cmp.Compare(a.relation, b.relation))
	})
	var locks []engine.LockUse
	for _, h := range news {
		locks = append(locks, engine.LockUse{Object: l.relations[h.relation].name, Mode: h.mode, For: l.length(h)})
	}
	return locks
}

func (l *lockSamples) length(h hold) time.Duration { return l.spans[h].to - l.spans[h].from }

// implied reports whether another lock on the same table conflicts with all that h conflicts with, at least for as long.
func (l *lockSamples) implied(h hold) bool {
	for other := range l.spans {
		same := other.relation == h.relation || other.relation == l.relations[h.relation].table
		if same && other != h && l.length(other) >= l.length(h) && conflicts[h.mode]&^conflicts[other.mode] == 0 {
			return true
		}
	}
	return false
}

// conflicts are the modes that a mode conflicts with, one bit each, in the order of the table in the manual's chapter
// "Explicit Locking".
var conflicts = map[string]uint8{
	"AccessShareLock":          0b_1000_0000,
	"RowShareLock":             0b_1100_0000,
	"RowExclusiveLock":         0b_1111_0000,
	"ShareUpdateExclusiveLock": 0b_1111_1000,
	"ShareLock":                0b_1110_1100,
	"ShareRowExclusiveLock":    0b_1111_1100,
	"ExclusiveLock":            0b_1111_1110,
	"AccessExclusiveLock":      0b_1111_1111,
}

func strength(mode string) int { return bits.OnesCount8(conflicts[mode]) }
