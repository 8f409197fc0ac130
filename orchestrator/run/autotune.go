package run

import "time"

// widthTuner finds out whether a server gets through more tenants with more of them at once. A server whose cores are
// all busy does not: there each further connection costs, about a tenth with twice as many on two cores. So
// places are added a few at a time, and the last ones are taken away again unless the rate has shown for them.
type widthTuner struct {
	skip  int       // successes that are not counted yet: the new connections have to be opened first
	since time.Time // when counting began
	done  int       // successes since
	rate  float64   // tenants a second before the last places were added; 0 = none were
	added int       // those places
	found bool      // what is best is known
}

const (
	paceTime    = 500 * time.Millisecond // shorter looks say nothing, and connections cost some milliseconds each
	paceRounds  = 6                      // successes a place in each look
	paceWorth   = 0.5                    // the share of what the places could have brought at best that they have to bring
	paceQuarter = 4                      // a quarter more each time
)

// tune notes a success, and returns the width from now on and why it changed; "" when it did not.
func (p *widthTuner) tune(now time.Time, width, most int) (int, string) {
	switch {
	case p.found:
		return width, ""
	case p.since.IsZero():
		if p.skip++; p.skip > width {
			p.since = now
		}
		return width, ""
	}
	took := now.Sub(p.since)
	if p.done++; p.done < paceRounds*width || took < paceTime {
		return width, ""
	}
	rate := float64(p.done) / took.Seconds()
	if p.rate > 0 && rate < p.rate*(1+paceWorth*float64(p.added)/float64(width-p.added)) {
		p.found = true
		return width - p.added, "more at once is not faster"
	}
	if width >= most {
		p.found = true
		return width, ""
	}
	*p = widthTuner{rate: rate, added: min(max(1, width/paceQuarter), most-width)}
	return width + p.added, "to see whether more at once is faster"
}
