package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
)

// rows makes rows of a look; "" is NULL.
func rows(all ...[]string) [][][]byte {
	var made [][][]byte
	for _, row := range all {
		values := make([][]byte, len(row))
		for i, v := range row {
			if v != "" {
				values[i] = []byte(v)
			}
		}
		made = append(made, values)
	}
	return made
}

func TestLooksCountFromTheStatementBefore(t *testing.T) {
	t.Parallel()
	l := &lockSamples{}
	for _, look := range [][][][]byte{
		rows([]string{"1", "1", "users"}, []string{"2", "1", "users_name"}, []string{"3", "3", "orders"}),
		rows([]string{"1000", "[]"}),
		rows([]string{"3000", `[[1,"AccessShareLock",null,1],[2,"AccessShareLock",null,2]]`}),
		rows([]string{"3500", ""}), // passed over
		rows([]string{"4000", `[[1,"AccessShareLock",null,1],[1,"AccessExclusiveLock",null,1],[9,"ShareLock","public.plans",9]]`}),
		rows([]string{"9000", `[[1,"AccessShareLock",null,1],[1,"AccessExclusiveLock",null,1],[9,"ShareLock","public.plans",9],[3,"RowShareLock",null,3]]`}),
	} {
		l.take(piece{}, look)
	}
	want := []engine.LockUse{
		{Object: "users", Mode: "AccessShareLock", For: 8 * time.Millisecond}, // longer than the stronger one
		{Object: "users", Mode: "AccessExclusiveLock", For: 6 * time.Millisecond},
		{Object: "public.plans", Mode: "ShareLock", For: 6 * time.Millisecond},
		{Object: "orders", Mode: "RowShareLock", For: 5 * time.Millisecond},
	}
	if diff := cmp.Diff(want, l.locks()); diff != "" {
		t.Errorf("locks (-want +got):\n%s", diff)
	}
	if l.last != 9*time.Millisecond {
		t.Errorf("the last look was after %s", l.last)
	}
}

func TestLooksLeaveOutWhatAnotherLockImplies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		locks [][2]string // relation, mode; relation 2 is an index of 1
		want  []string
	}{
		"a stronger mode":                      {[][2]string{{"1", "RowExclusiveLock"}, {"1", "AccessExclusiveLock"}}, []string{"users AccessExclusiveLock"}},
		"the table's":                          {[][2]string{{"1", "ShareLock"}, {"2", "ShareLock"}}, []string{"users ShareLock"}},
		"not a stronger one on the index":      {[][2]string{{"1", "ShareLock"}, {"2", "AccessExclusiveLock"}}, []string{"users_name AccessExclusiveLock", "users ShareLock"}},
		"not one that lets others in":          {[][2]string{{"1", "ShareLock"}, {"1", "RowExclusiveLock"}}, []string{"users ShareLock", "users RowExclusiveLock"}},
		"not the index's for the table":        {[][2]string{{"2", "AccessExclusiveLock"}, {"1", "AccessShareLock"}}, []string{"users_name AccessExclusiveLock", "users AccessShareLock"}},
		"nothing of what was not there before": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &lockSamples{}
			l.take(piece{}, rows([]string{"1", "1", "users"}, []string{"2", "1", "users_name"}))
			l.take(piece{}, rows([]string{"1000", "[]"}))
			var locks []string
			for _, lock := range test.locks {
				locks = append(locks, fmt.Sprintf("[%s,%q,null,%s]", lock[0], lock[1], lock[0]))
			}
			l.take(piece{}, rows([]string{"2000", "[" + strings.Join(locks, ",") + "]"}))
			var got []string
			for _, held := range l.locks() {
				got = append(got, held.Object+" "+held.Mode)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("locks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestModesKeepEachOtherOut(t *testing.T) {
	t.Parallel()
	order := []string{"AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"}
	for i, a := range order {
		for k, b := range order {
			if conflicts[a]>>k&1 != conflicts[b]>>i&1 {
				t.Errorf("%s and %s do not agree whether they conflict", a, b)
			}
		}
	}
}

func TestNoLooksNoLocks(t *testing.T) {
	t.Parallel()
	if l := (&lockSamples{}).locks(); l != nil {
		t.Errorf("locks %v", l)
	}
}
