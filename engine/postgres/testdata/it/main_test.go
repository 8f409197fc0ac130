package integration_test

import (
	"os"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
