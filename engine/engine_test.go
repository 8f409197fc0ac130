package engine

import (
	"testing"
	"time"
)

func TestLockTimeoutDoublesToItsBound(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, test := range []struct {
		first time.Duration
		want  []time.Duration // of attempts 0, 1, 2, …
	}{
		{0, []time.Duration{2 * s, 2 * s, 4 * s, 8 * s, 8 * s, 8 * s}}, // the default
		{s, []time.Duration{s, s, 2 * s, 4 * s, 8 * s, 8 * s}},
		{3 * s, []time.Duration{3 * s, 3 * s, 6 * s, 8 * s, 8 * s, 8 * s}},
		{20 * s, []time.Duration{20 * s, 20 * s, 20 * s, 20 * s}},
		{-1, []time.Duration{0, 0, 0, 0}}, // none: waits without end
	} {
		e := New(nil, nil, Config{LockTimeout: test.first})
		for attempt, want := range test.want {
			if got := e.lockTimeout(attempt); got != want {
				t.Errorf("lock timeout %s, attempt %d: %s, want %s", test.first, attempt, got, want)
			}
		}
	}
}

func TestLaterAttemptsWaitLonger(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	e := New(f, line(t, "a1"), Config{})
	job := f.job(e)
	job.Attempt = 3
	if _, err := f.upgrade(t.Context(), e, job); err != nil {
		t.Fatal(err)
	}
	if got := f.works[0].LockTimeout; got != 8*time.Second {
		t.Errorf("the third attempt waits %s, want 8s", got)
	}
}

func TestZeroConfigIsTheDefault(t *testing.T) {
	t.Parallel()
	want := Config{Mode: PerTenant, LockTimeout: 2 * time.Second, ResolveTimeout: 30 * time.Second, Tool: "skein"}
	if e := New(nil, nil, Config{}); e.cfg != want || e.Mode() != PerTenant {
		t.Errorf("config %+v, want %+v", e.cfg, want)
	}
	mine := Config{Mode: PerRevision, LockTimeout: -1, StatementTimeout: 1, ResolveTimeout: 2, AllowChanged: true, Tool: "mine"}
	if e := New(nil, nil, mine); e.cfg != mine {
		t.Errorf("config %+v, want %+v", e.cfg, mine)
	}
}
