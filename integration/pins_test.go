package integration_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/skeintest"
)

// TestPinsHoldTenantsBack has a tenant that is frozen, one that goes to another target, and pins that have run out.
func TestPinsHoldTenantsBack(t *testing.T) { inBothDialects(t, pinsHold) }

func pinsHold(t *testing.T, d revision.Dialect) {
	today := time.Now().Add(utmost).UTC().Format(time.DateOnly) // also shortly before midnight
	f := newFleet(t, d, 6, bothWays(""), fmt.Sprintf(`
pins:
  - {tenants: "id=tenant_0002", freeze: true, reason: year-end audit, until: 2999-12-31}
  - {tenants: "id=tenant_0003", target: r001, reason: still on the old API}
  - {tenants: "id=tenant_0004", freeze: true, reason: long over, until: 2020-01-31}
  - {tenants: "id=tenant_0005", freeze: true, reason: an hour ago, until: %q}
  - {tenants: "id=tenant_0006", freeze: true, reason: through today, until: %s}
  - {tenants: "id in (tenant_0002,tenant_0006)", target: r001, reason: never counts for the first that matches does}
`, time.Now().Add(-time.Hour).Format(time.RFC3339), today))

	r := f.Must(0, "upgrade", "--json")
	wantCounts(t, r.Report(), map[string]int{"done": 4, "skipped": 2})
	why := skipReasons(r)
	wantText(t, "why tenant_0002 is skipped", why["tenant_0002"], "frozen: year-end audit (until 2999-12-31)")
	wantText(t, "why tenant_0006 is skipped", why["tenant_0006"], "frozen: through today")
	f.wantOf([]string{"tenant_0001", "tenant_0004", "tenant_0005"}, nil, 2)
	f.wantOf([]string{"tenant_0003"}, nil, 1)
	f.wantOf([]string{"tenant_0002", "tenant_0006"}, nil, 0)
	wantText(t, "what is said of the pins that count", r.Stdout, "year-end audit", "through today", "still on the old API")
	wantText(t, "what is said of those that have ended", r.Stderr, `the pin of "id=tenant_0004" has ended`, `the pin of "id=tenant_0005" has ended`)

	plan := f.Must(0, "plan")
	wantText(t, "the plan", plan.Stdout, "frozen: year-end audit", "still on the old API")
	wantText(t, "stderr of the plan", plan.Stderr, `the pin of "id=tenant_0004" has ended`)
	wantCounts(t, f.Must(0, "upgrade", "--json").Report(), map[string]int{"unchanged": 4, "skipped": 2})
	f.Must(4, "current", "--check-heads", "-q")

	// Who is past the target of his pin stays there.
	f.Must(0, "upgrade", "r002", "-c", f.plain(), "-t", "id=tenant_0003")
	wantCounts(t, f.Must(0, "upgrade", "--json", "-t", "id=tenant_0003").Report(), map[string]int{"unchanged": 1})
	f.wantOf([]string{"tenant_0003"}, nil, 2)

	// A frozen tenant stays where it is on the way down, too, and a stamp does not touch it; a target counts for
	// upgrades only.
	f.Must(0, "upgrade", "r002", "-c", f.plain(), "-t", "id=tenant_0002")
	r = f.Must(0, "downgrade", "r001", "--yes", "--json")
	wantText(t, "why tenant_0002 is skipped", skipReasons(r)["tenant_0002"], "frozen: year-end audit")
	f.wantOf([]string{"tenant_0001", "tenant_0003", "tenant_0004", "tenant_0005"}, nil, 1)
	f.wantOf([]string{"tenant_0002"}, nil, 2)
	r = f.Must(0, "stamp", "r001", "--json", "-t", "id=tenant_0006")
	wantText(t, "why tenant_0006 is skipped", skipReasons(r)["tenant_0006"], "frozen: through today")
	f.wantOf([]string{"tenant_0006"}, nil, 0)
}

// TestPinsThatMakeNoSense: each is an error with its line, and nothing is touched.
func TestPinsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.SQLite, 2, bothWays(""), "")
	for _, test := range []struct {
		name, pin string
		says      []string
	}{
		{"no reason", `{tenants: "id=tenant_0001", freeze: true}`, []string{"reason"}},
		{"neither freeze nor target", `{tenants: "id=tenant_0001", reason: x}`, []string{"freeze", "target"}},
		{"freeze and target", `{tenants: "id=tenant_0001", freeze: true, target: r001, reason: x}`, []string{"freeze", "target"}},
		{"no date", `{tenants: "id=tenant_0001", freeze: true, reason: x, until: soon}`, []string{"until", "soon"}},
		{"no selector", `{freeze: true, reason: x}`, []string{"tenants"}},
		{"a target that is not there", `{tenants: "id=tenant_0001", target: r009, reason: x}`, []string{"r009"}},
	} {
		f.configure("pins: [" + test.pin + "]\n")
		r := f.Must(1, "upgrade", "--json")
		message, hint := errorOf(r)
		wantText(t, test.name, message+" "+hint, test.says...)
		f.want(nil, 0)
	}
}

// skipReasons are why tenants were skipped.
func skipReasons(r skeintest.Result) map[string]string {
	all := map[string]string{}
	for _, e := range r.Events() {
		if e["kind"] == "tenant" && e["outcome"] == "skipped" {
			all[fmt.Sprint(e["tenant"])] = fmt.Sprint(e["reason"])
		}
	}
	return all
}

// TestExpiredPinWarnsOnce has a pin that has run out: it holds no tenant back, and the warning has its line, and comes once.
func TestExpiredPinWarnsOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.SQLite, 3, bothWays(""), "pins: [{tenants: \"id=tenant_0001\", target: r001, reason: gone by, until: 2020-02-29}]\n")
	r := f.Must(0, "upgrade", "--json")
	wantText(t, "stderr", r.Stderr, "skein.yaml:4:", "pins[0].until", "id=tenant_0001")
	if n := strings.Count(r.Stdout+r.Stderr, "pin of"); n != 1 {
		t.Errorf("the warning comes %d times:\n%s%s", n, r.Stdout, r.Stderr)
	}
	if diff := cmp.Diff(map[string]string{}, skipReasons(r)); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	f.want(nil, 2)
}
