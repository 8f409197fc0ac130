package run

import (
	"container/heap"
	"slices"
	"time"
)

// timer is a tenant that rests, or a server that is to be probed, until a time.
type timer struct {
	at     time.Time
	task   int32
	server *server // to probe; nil for a tenant
}

// timers are kept so that the earliest is known. The zero value is ready to use.
type timers struct{ list timerHeap }

func (t *timers) add(x timer) { heap.Push(&t.list, x) }

// next returns when the earliest is due; false when there is none.
func (t *timers) next() (time.Time, bool) {
	if len(t.list) == 0 {
		return time.Time{}, false
	}
	return t.list[0].at, true
}

// due takes out the earliest that is due; false when none is.
func (t *timers) due(now time.Time) (timer, bool) {
	if len(t.list) == 0 || t.list[0].at.After(now) {
		return timer{}, false
	}
	return heap.Pop(&t.list).(timer), true
}

func (t *timers) remove(gone func(timer) bool) {
	t.list = slices.DeleteFunc(t.list, gone)
	heap.Init(&t.list)
}

type timerHeap []timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
