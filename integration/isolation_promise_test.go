package integration_test

import (
	"os"
	"path"
	"strings"
)

// isolationException is what skein does not promise of the isolation matrix. The fields but the last are globs over
// the parts of a combination; "" is anything.
type isolationException struct {
	kind, action, way, mode, state string
	why                            string // a sentence of SECURITY.md, under "What isolation does not cover"
}

func (e isolationException) matches(c isolationCase) bool {
	for _, p := range [][2]string{{e.kind, c.kind.name}, {e.action, c.action.name}, {e.way, c.way}, {e.mode, c.mode}, {e.state, c.state}} {
		if ok, err := path.Match(p[0], p[1]); p[0] != "" && (err != nil || !ok) {
			return false
		}
	}
	return true
}

var notPromised = []isolationException{}

// onlyCase is the pattern of combinations to run; "" is all.
func onlyCase() string { return strings.TrimSpace(os.Getenv("SKEIN_TEST_ONLY")) }
