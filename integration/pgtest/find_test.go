package pgtest

import (
	"strings"
	"testing"
)

// Not parallel: the environment decides.
func TestEachWayServesOrSaysWhy(t *testing.T) {
	for _, way := range []string{wayDocker, wayLocal, wayEmbedded} {
		t.Run(way, func(t *testing.T) {
			t.Setenv("SKEIN_TEST_URL", "")
			t.Setenv("SKEIN_TEST_POSTGRES", way)
			i, err := find(Options{}, true)
			if err != nil {
				if !strings.Contains(err.Error(), "- "+way+": ") {
					t.Errorf("the error does not say why %s does not serve: %v", way, err)
				}
				t.Logf("not on this machine: %v", err)
				return
			}
			defer func() { _ = remove(i.machine) }()
			if i.Way != way || i.Major < 14 {
				t.Errorf("Way = %q, Major = %d", i.Way, i.Major)
			}
			if got := QueryRows(t, i.URL, "SHOW fsync"); got[0] != "off" {
				t.Errorf("fsync = %q", got)
			}
		})
	}
}

func TestURLServesTheSharedServerOnly(t *testing.T) {
	there := Server(t)
	t.Setenv("SKEIN_TEST_URL", there.URL)
	t.Setenv("SKEIN_TEST_POSTGRES", "")
	i, err := find(Options{}, true)
	if err != nil {
		t.Fatal(err)
	}
	if i.Way != wayURL || i.Port != there.Port || i.Host != there.Host || i.Major != there.Major {
		t.Errorf("found %+v, want the server at %s:%d", i, there.Host, there.Port)
	}
	url, _ := Database(t, i)
	Exec(t, url, "CREATE TABLE t ()")

	own := New(t, Options{})
	if own.Way == wayURL || own.URL == there.URL {
		t.Error("a dedicated server is the shared one")
	}
}

func TestAWrongURLIsNotReplacedByAnotherServer(t *testing.T) {
	t.Setenv("SKEIN_TEST_POSTGRES", "")
	t.Setenv("SKEIN_TEST_URL", "postgres://nobody@127.0.0.1:1/none")
	if i, err := find(Options{}, true); err == nil {
		t.Errorf("found %s", i.Way)
	}
}

func TestAMissingVersionIsReplacedByWhatIsThere(t *testing.T) {
	for _, way := range []string{wayDocker, wayLocal} {
		t.Run(way, func(t *testing.T) {
			t.Setenv("SKEIN_TEST_POSTGRES", way)
			t.Setenv("SKEIN_TEST_IMAGE_9", "skein-test-image-that-is-nowhere:9")
			if _, err := find(Options{}, true); err != nil {
				t.Logf("not on this machine: %v", err)
				return
			}
			i, err := find(Options{Version: "9"}, false)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = remove(i.machine) }()
			if i.Major == 9 {
				t.Error("there is no such version")
			}
		})
	}
}

func TestImageOfAVersion(t *testing.T) {
	for _, test := range []struct{ base, version, want string }{
		{"", "", "postgres:17-alpine"},
		{"", "15", "postgres:15-alpine"},
		{"postgres:17", "15", "postgres:15"},
		{"registry:5000/pg:17.2-bookworm", "15", "registry:5000/pg:15-bookworm"},
	} {
		t.Setenv("SKEIN_TEST_IMAGE", test.base)
		if got := imageOf(test.version); got != test.want {
			t.Errorf("imageOf(%q) on %q = %q, want %q", test.version, test.base, got, test.want)
		}
	}
}
