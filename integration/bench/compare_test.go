package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// contender is one way of doing a job.
type contender struct {
	name    string
	prepare func(round int)      // not timed; nil = nothing
	run     func(round int) used // timed
}

// used is what a run can say of itself that the harness cannot see.
type used struct {
	process bool          // another process did it: cpu and peak are its own
	cpu     time.Duration // of that process
	peak    int64         // its largest resident memory, bytes
}

// sample is one run.
type sample struct {
	wall, server, client time.Duration
	peak                 int64
}

// comparison is a job, who does it, and how much of it there is.
type comparison struct {
	title   string
	tenants int
	rounds  int
	cpu     func() time.Duration // of the server so far; nil = there is none
	field   []contender          // the first is what the others are compared with
}

// run lets each contender run once a round, each round beginning with another one.
func (c *comparison) run(t testing.TB) *outcome {
	t.Helper()
	o := &outcome{comparison: c, samples: make([][]sample, len(c.field))}
	for round := range c.rounds {
		for k := range c.field {
			i := (round + k) % len(c.field)
			if prepare := c.field[i].prepare; prepare != nil {
				prepare(round)
			}
			o.samples[i] = append(o.samples[i], c.time(&c.field[i], round))
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	return o
}

func (c *comparison) time(who *contender, round int) sample {
	server := func() time.Duration {
		if c.cpu == nil {
			return 0
		}
		return c.cpu()
	}
	serverBefore, clientBefore, begun := server(), ownCPU(), time.Now()
	u := who.run(round)
	s := sample{wall: time.Since(begun), client: ownCPU() - clientBefore}
	s.server = server() - serverBefore
	if u.process {
		s.client, s.peak = u.cpu, u.peak
	}
	return s
}

// ownCPU is what this process has used, all threads together.
func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// outcome holds the samples of each contender, one a round.
type outcome struct {
	*comparison
	samples [][]sample
}

// ratios of a contender's wall time to another one's in the same round, sorted.
func (o *outcome) ratios(of, to int) []float64 {
	var all []float64
	for r := range o.samples[of] {
		all = append(all, float64(o.samples[of][r].wall)/float64(o.samples[to][r].wall))
	}
	slices.Sort(all)
	return all
}

func (o *outcome) median(i int, what func(sample) time.Duration) time.Duration {
	var all []time.Duration
	for _, s := range o.samples[i] {
		all = append(all, what(s))
	}
	slices.Sort(all)
	return middle(all)
}

// middle is the median of sorted values.
func middle[T cmp.Ordered](sorted []T) T { return sorted[len(sorted)/2] }

// print writes the table of an outcome.
func (o *outcome) print() {
	if len(o.field) == 0 {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s (%d rounds)\n\n", o.title, o.rounds)
	fmt.Fprintf(&b, "| | median s | × %s, median (least – most) | tenants/s | server CPU ms a tenant | client CPU ms a tenant | peak MB |\n|---|---|---|---|---|---|---|\n", o.field[0].name)
	for i, c := range o.field {
		wall := o.median(i, func(s sample) time.Duration { return s.wall })
		server := o.median(i, func(s sample) time.Duration { return s.server })
		client := o.median(i, func(s sample) time.Duration { return s.client })
		ratio := "1"
		if i > 0 {
			r := o.ratios(i, 0)
			ratio = fmt.Sprintf("**%.2f** (%.2f – %.2f)", middle(r), r[0], r[len(r)-1])
		}
		peak := "–"
		if p := o.peak(i); p > 0 {
			peak = fmt.Sprintf("%.0f", float64(p)/(1<<20))
		}
		fmt.Fprintf(&b, "| %s | %.3f | %s | %.0f | %s | %s | %s |\n", c.name, wall.Seconds(), ratio,
			float64(o.tenants)/wall.Seconds(), perTenant(server, o.tenants), perTenant(client, o.tenants), peak)
	}
	o.rivals(&b)
	printed.add(b.String())
}

// rivals says how much longer goose takes than skein.
func (o *outcome) rivals(b *strings.Builder) {
	at := func(name string) int {
		return slices.IndexFunc(o.field, func(c contender) bool { return c.name == name })
	}
	goose := at(nameGoose)
	for _, name := range []string{nameLibrary, nameBinary} {
		if i := at(name); goose >= 0 && i >= 0 {
			r := o.ratios(goose, i)
			fmt.Fprintf(b, "\ngoose takes **%.1f** (%.1f – %.1f) times as long as %s.\n", middle(r), r[0], r[len(r)-1], name)
		}
	}
}

func perTenant(d time.Duration, n int) string {
	if d <= 0 {
		return "–"
	}
	return fmt.Sprintf("%.3f", d.Seconds()*1000/float64(n))
}

func (o *outcome) peak(i int) int64 {
	most := int64(0)
	for _, s := range o.samples[i] {
		most = max(most, s.peak)
	}
	return most
}

// report prints the table and hands the ratios to the benchmark.
func (o *outcome) report(b *testing.B) {
	b.Helper()
	o.print()
	b.ReportMetric(0, "ns/op") // the time of all of it together says nothing
	for i, c := range o.field {
		unit := strings.ReplaceAll(c.name, " ", "-")
		b.ReportMetric(o.median(i, func(s sample) time.Duration { return s.wall }).Seconds(), "s:"+unit)
		if i > 0 {
			b.ReportMetric(middle(o.ratios(i, 0)), "x:"+unit)
		}
	}
}

// sheet collects text from benchmarks.
type sheet struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (s *sheet) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.WriteString(text)
}

func (s *sheet) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
