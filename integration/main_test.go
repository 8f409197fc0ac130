package integration_test

import (
	"os"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

func TestMain(m *testing.M) {
	code := pgtest.Main(m)
	skeintest.Clean()
	os.Exit(code)
}
