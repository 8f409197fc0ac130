package view

import "testing"

func TestNamesOfTheLibraryBecomeCommands(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           "",
		"`Upgrade` starts a new one": "`skein upgrade` starts a new one",
		"run `Rollback(r1)` again, or go on with `AllowChanged`": "run `skein rollout rollback r1` again, or go on with --allow-changed",
		"`Only` takes one wave":                                  "`--wave NAME` takes one wave",
		"say `heads`, a column `Name`, or `Total(x)`":            "say `heads`, a column `Name`, or `Total(x)`",
	} {
		if got := Commands(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
