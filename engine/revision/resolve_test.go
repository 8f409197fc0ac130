package revision_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
)

// wantTargetError fails unless err is a TargetError for that reason, with that message and with advice.
func wantTargetError(t testing.TB, err error, reason revision.Reason, message string) {
	t.Helper()
	var got *revision.TargetError
	if !errors.As(err, &got) {
		t.Errorf("got %v, want a TargetError", err)
		return
	}
	if got.Reason != reason || got.Message != message {
		t.Errorf("got  %s: %s\nwant %s: %s", got.Reason, got.Message, reason, message)
	}
	if got.Hint() == "" {
		t.Errorf("%s: no advice", message)
	}
	if got.Matches == nil {
		t.Errorf("%s: Matches is nil", message)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	g := shape(t, shop+`
		abc:
		abcdef1: abc
	`)
	for _, c := range []struct {
		target string
		want   []string
	}{
		{"base", []string{}},
		{"shoppingcart@base", []string{}},
		{"heads", []string{"abcdef1", "53ff", "net2"}},
		{"shoppingcart@heads", []string{"53ff"}},
		{"network@head", []string{"net2"}},
		{"27c6@head", []string{"53ff"}},
		{"ae10", []string{"ae10"}},
		{"ae", []string{"ae10"}},
		{"abc", []string{"abc"}},
		{"abcd", []string{"abcdef1"}},
		{"ab", []string{"abcdef1"}}, // abc is too short to be meant by less than itself
		{"shoppingcart", []string{"27c6"}},
		{"shop", []string{"27c6"}},
		{"shoppingcart@d7", []string{"d747"}},
		{"shop@1975", []string{"1975"}},
		{"shoppingcart@5", []string{"53ff"}},
		{"network@-1", []string{"net1"}},
		{"network@-9", []string{}},
		{"abc@-1", []string{"abc"}},
	} {
		got, err := g.Resolve(c.target)
		if err != nil {
			t.Errorf("%s: %v", c.target, err)
		} else if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.target, diff)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	t.Parallel()
	g := shape(t, shop+`
		abc:
		abcdef1: abc
	`)
	for _, c := range []struct {
		target  string
		reason  revision.Reason
		message string
	}{
		{"a", revision.ReasonAmbiguous, "a begins 2 revisions: abcdef1, ae10"},
		{"head", revision.ReasonAmbiguous, "head: there are 3 heads: abcdef1, 53ff, net2"},
		{"-1", revision.ReasonAmbiguous, "-1: the way down forks at 53ff, which merges d747, ae10"},
		{"net9", revision.ReasonUnknown, "there is no revision or branch net9"},
		{"nowhere@head", revision.ReasonUnknown, "there is no revision or branch nowhere"},
		{"shoppingcart@net1", revision.ReasonBranch, "net1 is no member of branch shoppingcart"},
		{"shoppingcart@ae", revision.ReasonBranch, "ae10 is no member of branch shoppingcart"},
		{"+1", revision.ReasonSyntax, "+1 names no revision by itself"},
		{"ae10-1", revision.ReasonSyntax, "ae10-1 names no revision by itself"},
		{"network@+1", revision.ReasonSyntax, "network@+1 names no revision by itself"},
		{"current", revision.ReasonSyntax, `"current" is no target here`},
		{"a:b", revision.ReasonSyntax, `"a:b" is no target here`},
		{"", revision.ReasonSyntax, `"" is no target here`},
		{"@head", revision.ReasonSyntax, `"@head" is no target here`},
		{"a@b@c", revision.ReasonSyntax, `"a@b@c" is no target here`},
		{"network@", revision.ReasonSyntax, `"network@" is no target here`},
		{"-99999999999999999999", revision.ReasonRange, "-99999999999999999999: -99999999999999999999 is too many steps"},
	} {
		_, err := g.Resolve(c.target)
		wantTargetError(t, err, c.reason, c.message)
	}
}

func TestUnknownTargetSuggestsTheNearest(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	_, err := g.Resolve("shopingcart")
	var te *revision.TargetError
	if !errors.As(err, &te) || te.Hint() != "did you mean shoppingcart?" {
		t.Errorf("%v", err)
	}
}

func TestParseFrom(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{}},
		{"base", []string{}},
		{"net, ae10", nil},
		{"net2,ae10", []string{"ae10", "net2"}},
		{"shop , network", []string{"27c6", "net1"}},
		{"1975,d7,net1", []string{"d747", "net1"}},
		{"ae10,net1", []string{"ae10"}},
		{"heads", []string{"53ff", "net2"}},
	} {
		got, err := g.ParseFrom(c.text)
		if c.want == nil {
			wantTargetError(t, err, revision.ReasonAmbiguous, "net begins 2 revisions: net1, net2")
		} else if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", c.text, err, diff)
		}
	}
	_, err := g.ParseFrom("ae10,-1")
	wantTargetError(t, err, revision.ReasonSyntax, `"-1" is no target here`)
}

func TestRange(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	for _, c := range []struct {
		expr string
		want []string
	}{
		{":", []string{"1975", "27c6", "d747", "net1", "ae10", "53ff", "net2"}},
		{"1975:27c6", []string{"1975", "27c6"}},
		{"27c6:", []string{"27c6", "d747", "53ff"}},
		{":ae10", []string{"1975", "net1", "ae10"}},
		{"ae10:ae10", []string{"ae10"}},
		{"network@base:", []string{"net1", "net2"}},
		{"shoppingcart@base:", []string{"1975", "27c6", "d747", "net1", "ae10", "53ff"}},
		{"1975:shoppingcart@+2", []string{"1975", "27c6", "d747"}},
		{"net1:+1", []string{"net1", "net2"}},
		{"net1:+5", []string{"net1", "net2"}},
		{"-1:d747", []string{"27c6", "d747"}},
		{"-9:d747", []string{"1975", "27c6", "d747"}},
		{"27c6:27c6+1", []string{"27c6", "d747"}},
		{"d747-1:d747", []string{"27c6", "d747"}},
	} {
		got, err := g.Range(c.expr)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", c.expr, err, diff)
		}
	}
}

func TestRangeErrors(t *testing.T) {
	t.Parallel()
	g := shape(t, shop)
	for _, c := range []struct {
		expr    string
		reason  revision.Reason
		message string
	}{
		{"ae10", revision.ReasonSyntax, `"ae10" is no target here`},
		{"d747:27c6", revision.ReasonBranch, "d747 is no ancestor of 27c6"},
		{"current:", revision.ReasonSyntax, `"current" is no target here`},
		{":-1", revision.ReasonRange, "-1 is below the lower end"},
		{"+1:", revision.ReasonRange, "+1 is above the upper end"},
		{"1975:+1", revision.ReasonAmbiguous, "+1: the way up forks above 1975 into 27c6, ae10"},
		{"zzzz:", revision.ReasonUnknown, "there is no revision or branch zzzz"},
	} {
		_, err := g.Range(c.expr)
		wantTargetError(t, err, c.reason, c.message)
	}
}
