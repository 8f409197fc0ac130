package bench

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// rounds is how often each contender runs. More rounds take longer and show more on a machine that is not quiet.
var rounds = flag.Int("rounds", 5, "how often each contender of a benchmark runs")

// without leaves contenders out, to look closer at the others; the limit always takes part.
var without = flag.String("without", "", "contenders that do not take part, such as goose,binary")

func takesPart(name string) bool {
	return *without == "" || !slices.ContainsFunc(strings.Split(*without, ","), func(w string) bool { return strings.Contains(name, w) })
}

// printed is what the benchmarks found, as Markdown; shown at the end, when nothing stands in between.
var printed sheet

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	defer skeintest.Clean()
	code := pgtest.Main(m)
	if text := printed.String(); text != "" {
		fmt.Print(text)
	}
	return code
}
