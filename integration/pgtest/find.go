package pgtest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

const (
	wayURL      = "url"
	wayDocker   = "docker"
	wayLocal    = "local"
	wayEmbedded = "embedded"
)

const advice = `pgtest: no PostgreSQL found for the tests. Give one of
  - SKEIN_TEST_URL=postgres://postgres:…@host:5432/postgres?sslmode=disable, a superuser's URL;
  - a running Docker daemon with the image in SKEIN_TEST_IMAGE (default ` + defaultImage + `);
  - PostgreSQL's server programs (apt-get install postgresql);
  - a network, from which embedded-postgres downloads them.
What was tried:`

// attempt is one way to get a server. It returns errOtherVersion if it has servers, but not the version wanted
// and exact is asked for.
type attempt struct {
	way  string
	open func(opts Options, exact bool) (*Instance, string, error)
}

var errOtherVersion = errors.New("has another version")

// find goes through the ways in their order. A version that is wanted and missing everywhere is given up
// in a second round.
func find(opts Options, sharable bool) (*Instance, error) {
	forced := os.Getenv("SKEIN_TEST_POSTGRES")
	if forced != "" && !slices.Contains([]string{wayURL, wayDocker, wayLocal, wayEmbedded}, forced) {
		return nil, fmt.Errorf("pgtest: SKEIN_TEST_POSTGRES=%s: want url, docker, local or embedded", forced)
	}
	if rawURL := os.Getenv("SKEIN_TEST_URL"); sharable && (rawURL != "" && forced == "" || forced == wayURL) {
		i, err := attach(rawURL)
		if err != nil { // an explicit choice: do not silently take another
			return nil, fmt.Errorf("pgtest: SKEIN_TEST_URL: %w", err)
		}
		announce(i, "SKEIN_TEST_URL", opts)
		return i, nil
	}

	ways := []attempt{{wayDocker, openDocker}, {wayLocal, openLocal}, {wayEmbedded, openEmbedded}}
	if forced != "" && forced != wayURL {
		ways = slices.DeleteFunc(ways, func(a attempt) bool { return a.way != forced })
	}
	tried := []string{advice}
	for _, exact := range []bool{true, false} {
		for _, a := range ways {
			i, what, err := a.open(opts, exact)
			if err == nil {
				i.Way = a.way
				announce(i, what, opts)
				return i, nil
			}
			if !errors.Is(err, errOtherVersion) {
				tried = append(tried, fmt.Sprintf("  - %s: %v", a.way, err))
				ways = slices.DeleteFunc(slices.Clone(ways), func(b attempt) bool { return b.way == a.way })
			}
		}
	}
	return nil, errors.New(strings.Join(tried, "\n"))
}

func announce(i *Instance, what string, opts Options) {
	wanted := ""
	if opts.Version != "" && opts.Version != fmt.Sprint(i.Major) {
		wanted = fmt.Sprintf(" (wanted %s, which is not here)", opts.Version)
	}
	fmt.Fprintf(os.Stderr, "pgtest: PostgreSQL %d%s from %s (%s), port %d\n", i.Major, wanted, i.Way, what, i.Port)
}
