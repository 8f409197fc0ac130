package plan

import "fmt"

// Check returns what is wrong with the policy, whatever the tenants are: an unknown word, a number out of its range, a wave
// without a name or a check without a meter. It is an *[Error] with [ReasonPolicy].
func (p *Policy) Check() error {
	if err := p.check(); err != nil {
		return err
	}
	for _, w := range p.Waves {
		for _, c := range w.Gate.Checks {
			if c.Meter == nil {
				return badPolicy("check %q in the gate of wave %s has no meter", c.Name, w.Name)
			}
		}
	}
	return nil
}

// check is Check without the meters, which a plan does not need.
func (p *Policy) check() error {
	switch {
	case p.Concurrency < 0:
		return badPolicy("concurrency is %d; 0 finds it out, and the least is 1", p.Concurrency)
	case p.PerServer < 0:
		return badPolicy("the most tenants at once on one server are %d; 0 is the default", p.PerServer)
	case p.Retry.Attempts < 0:
		return badPolicy("the attempts are %d; 1 is no retry", p.Retry.Attempts)
	case p.OnFailure != "" && p.OnFailure != OnFailureHalt && p.OnFailure != OnFailureContinue:
		return badPolicy("on failure is %q; it is %s or %s", p.OnFailure, OnFailureHalt, OnFailureContinue)
	case p.Tolerance != "" && p.Tolerance != ToleranceSoft && p.Tolerance != ToleranceStrict:
		return badPolicy("the tolerance is %q; it is %s or %s", p.Tolerance, ToleranceSoft, ToleranceStrict)
	case p.MaxFailures.Count < 0, p.MaxFailures.Percent < 0, p.MaxFailures.Percent > 100:
		return badPolicy("the most failures are %s; they are a count, or a share from 0%% to 100%%", p.MaxFailures)
	}
	seen := map[string]bool{}
	for i := range p.Waves {
		w := &p.Waves[i]
		switch {
		case w.Name == "":
			return badPolicy("wave %d has no name", i+1)
		case seen[w.Name]:
			return badPolicy("two waves are named %s", w.Name)
		case !w.Order.known():
			return badPolicy("wave %s: there is no order %q; it is %s, %s or %sKEY", w.Name, w.Order, OrderSmallFirst, OrderLargeFirst, byLabel)
		case w.Size.Count < 0, w.Size.Percent < 0, w.Size.Percent > 100:
			return badPolicy("the size of wave %s is %d or %g%%; it is a count, or a share from 0%% to 100%%", w.Name, w.Size.Count, w.Size.Percent)
		}
		seen[w.Name] = true
	}
	return nil
}

func badPolicy(format string, args ...any) error {
	return &Error{Reason: ReasonPolicy, Message: fmt.Sprintf(format, args...)}
}
