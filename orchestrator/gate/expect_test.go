package gate

import (
	"testing"

	"github.com/skeindb/skein/orchestrator/plan"
)

const (
	pass         = plan.VerdictPass
	fail         = plan.VerdictFail
	inconclusive = plan.VerdictInconclusive
)

func expect(t testing.TB, s string) Expect {
	t.Helper()
	e, err := ParseExpect(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestExpect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		condition, form string
		pass, fail      []string
		unknown         []string
	}{
		{"", "true", []string{"t", "true", "TRUE", "1", "on", "Yes", " t "}, []string{"f", "false", "0", "", "17", "1.0", "truth"}, nil},
		{" true ", "true", []string{"t"}, []string{"f"}, nil},
		{"= True", "true", []string{"t"}, []string{"f"}, nil},
		{"!= true", "!= true", []string{"f", "", "x"}, []string{"t", "on"}, nil},
		{"false", "= false", []string{"f", "false", "0", "OFF", "no"}, []string{"t", "1", ""}, nil},
		{"= 5", "= 5", []string{"5", "5.0", "05", "5e0", "+5"}, []string{"6", "5.1", "five", "", "NaN"}, nil},
		{"5.0", "= 5.0", []string{"5"}, []string{"50"}, nil},
		{"!=5", "!= 5", []string{"6", "x", ""}, []string{"5", "5.00"}, nil},
		{"ok", "= ok", []string{"ok", " ok\n"}, []string{"OK", "okay"}, nil},
		{"two words", "= two words", []string{"two words"}, []string{"two  words"}, nil},
		{"=", "=", []string{"", " "}, []string{"0"}, nil},
		{"= =5", "= =5", []string{"=5"}, []string{"5"}, nil},
		{"NaN", "= NaN", []string{"NaN"}, []string{"1"}, nil},
		{"< 1.5", "< 1.5", []string{"1", "-7", "1.4999", "-Inf"}, []string{"1.5", "2", "+Inf"}, []string{"", "x", "NaN", "1,4"}},
		{"<=1.5", "<= 1.5", []string{"1.5", "1.50"}, []string{"1.51"}, []string{"t"}},
		{"> 0", "> 0", []string{"1", "0.1", "1e3", "Infinity"}, []string{"0", "-1", "-0"}, []string{"NULL"}},
		{">= -2", ">= -2", []string{"-2", "0"}, []string{"-2.01"}, []string{"−2"}},
		{"> 9007199254740992", "> 9007199254740992", []string{"9007199254740993"}, []string{"9007199254740992"}, nil}, // 2^53, where float64 ends
	} {
		e := expect(t, test.condition)
		if e.String() != test.form {
			t.Errorf("%q prints as %q, want %q", test.condition, e, test.form)
		}
		if again := expect(t, e.String()); again != e {
			t.Errorf("%q is %#v when read again, want %#v", e, again, e)
		}
		for want, answers := range map[plan.Verdict][]string{pass: test.pass, fail: test.fail, inconclusive: test.unknown} {
			for _, a := range answers {
				if got := e.judge(a); got != want {
					t.Errorf("%q of %q is %s, want %s", e, a, got, want)
				}
			}
		}
	}
	if (expect(t, "true") != Expect{}) {
		t.Error("true is not the zero value")
	}
}

func TestExpectRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"< x", ">", ">= NaN", "<> 5", "== 5", "=< 5", "=> 5", "!== 5", ">> 1", "<=> 1"} {
		if e, err := ParseExpect(s); err == nil {
			t.Errorf("%q is read as %q", s, e)
		}
	}
}

func FuzzParseExpect(f *testing.F) {
	for _, s := range []string{"", "true", "= x", "!= x", "< 1.5", "<= n", "> n", ">= 1e400", "plain text", "= =5", "=  ", "!=", "\xff"} {
		f.Add(s, "1")
	}
	f.Fuzz(func(t *testing.T, s, answer string) {
		e, err := ParseExpect(s)
		if err != nil {
			return
		}
		again, err := ParseExpect(e.String())
		if err != nil || again != e {
			t.Fatalf("%q prints as %q, which is %#v %v and not %#v", s, e, again, err, e)
		}
		switch v := e.judge(answer); {
		case v != pass && v != fail && v != inconclusive:
			t.Errorf("verdict %q", v)
		case v == inconclusive && !e.ordered():
			t.Errorf("%q of %q is inconclusive, though it is no order", e, answer)
		}
	})
}
