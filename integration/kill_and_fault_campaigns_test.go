package integration_test

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine/revision"
)

var (
	campaignKills  = flag.Int("campaign-kills", 0, "how often skein is killed in each kind of fleet; 0 = a few times, without a table")
	campaignFaults = flag.Int("campaign-faults", 0, "how many rounds of each fault are run; 0 = one round of some, without a table")
	campaignSeed   = flag.Uint64("campaign-seed", 1, "of the moments at which the campaigns kill and disturb")
)

// TestKillCampaign kills skein by SIGKILL in every phase of an upgrade and of its rollback, and takes the rollout up
// again, until so many kills have landed. After each kill and at each end every tenant is compared with one that was
// made without skein, and the store's report with the tenants.
func TestKillCampaign(t *testing.T) {
	t.Parallel()
	wanted, tenants := *campaignKills, 24
	if wanted == 0 {
		wanted, tenants = 1, 11
	}
	var all table
	for k, c := range []struct {
		name string
		make func(t *testing.T, n int) *campaign
	}{
		{"schemas", func(t *testing.T, n int) *campaign {
			return newCampaign(t, newFleet(t, revision.Postgres, n, threeSteps(), ""), steps(3))
		}},
		{"databases", func(t *testing.T, n int) *campaign { return newCampaign(t, newFleetOfDatabases(t, n), steps(3)) }},
		{"files", func(t *testing.T, n int) *campaign {
			return newCampaign(t, newFleet(t, revision.SQLite, n, threeSteps(), ""), steps(3))
		}},
		{"no-transaction", func(t *testing.T, n int) *campaign {
			return newCampaign(t, newFleet(t, revision.Postgres, n, outsideSteps(), ""), outsideReference())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := c.make(t, tenants)
			f.rng = rand.New(rand.NewPCG(*campaignSeed, uint64(k)))
			f.kills(wanted)
			all.add(c.name, f.counts)
		})
	}
	if *campaignKills > 0 {
		fmt.Print(all.markdown("phase", "schemas", "databases", "files", "no-transaction"))
	}
}

// TestFaultCampaign disturbs upgrades and downgrades by faults of server, network and store. Reports must agree with
// the tenants at once, and a resume must bring every tenant to where it was wanted.
func TestFaultCampaign(t *testing.T) {
	t.Parallel()
	rounds, tenants := *campaignFaults, 30
	if rounds == 0 {
		rounds, tenants = 1, 15
	}
	var all table
	for k, c := range campaignFaultKinds {
		if *campaignFaults == 0 && !c.quick {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			f := c.make(t, tenants)
			f.rng = rand.New(rand.NewPCG(*campaignSeed, 100+uint64(k)))
			for n := range rounds {
				f.faultRound(n, c)
				if t.Failed() {
					t.Fatalf("round %d of %s, -campaign-seed %d", n, c.name, *campaignSeed)
				}
			}
			for what, count := range f.counts {
				all.add(what, map[string]int{c.name: count})
			}
		})
	}
	if *campaignFaults > 0 {
		fmt.Print(all.markdown("fault", "rounds", "disturbed while it ran", "resumes or new upgrades needed", "reports that were not wholly done", "violations"))
	}
}

// table counts by row and column. The zero value is empty.
type table map[string]map[string]int

func (s *table) add(column string, counts map[string]int) {
	if *s == nil {
		*s = table{}
	}
	for row, n := range counts {
		if (*s)[row] == nil {
			(*s)[row] = map[string]int{}
		}
		(*s)[row][column] += n
	}
}

// markdown draws the rows in the order of campaignRows, others after them.
func (s table) markdown(head string, columns ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n| %s | %s |\n|---|%s\n", head, strings.Join(columns, " | "), strings.Repeat("--:|", len(columns)))
	rows := slices.SortedFunc(maps.Keys(s), func(x, y string) int {
		return cmp.Or(cmp.Compare(rowPlace(x), rowPlace(y)), cmp.Compare(x, y))
	})
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s |", row)
		for _, column := range columns {
			fmt.Fprintf(&b, " %d |", s[row][column])
		}
		b.WriteString("\n")
	}
	return b.String()
}

func rowPlace(row string) int {
	if k := slices.Index(campaignRows, row); k >= 0 {
		return k
	}
	return len(campaignRows)
}
