package config

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRedactURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"no url: a@b", "no url: a@b"},
		{"postgres://h/db", "postgres://h/db"},
		{"postgres://app@h:5432/db", "postgres://app@h:5432/db"},
		{"postgres://app:pw@h:5432/db?sslmode=require", "postgres://app:***@h:5432/db?sslmode=require"},
		{"postgres://app:p@w@h/db", "postgres://app:***@h/db"},
		{"postgres://app:p/w?x#y@h/db", "postgres://app:***@h/db"},
		{"postgres://app:p w@h/db", "postgres://app:***@h/db"},
		{"postgres://:pw@h/db", "postgres://:***@h/db"},
		{"postgres://h/db?password=pw&x=1", "postgres://h/db?password=***&x=1"},
		{"postgres://h/db?sslpassword=pw", "postgres://h/db?sslpassword=***"},
		{"dial postgres://app:pw@h/db: refused", "dial postgres://app:***@h/db: refused"},
		{"a postgres://u:p@h b https://v:q@i c", "a postgres://u:***@h b https://v:***@i c"},
		{"host=h user=u password='p w' dbname=d", "host=h user=u password=*** dbname=d"},
		{"postgres://a:pw@h1,h2:5432/db", "postgres://a:***@h1,h2:5432/db"},
	} {
		if got := RedactURL(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestOfAnAddressOnlyTheHostIsShown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"https://h", "https://h"},
		{"http://prom:9090/", "http://prom:9090/"},
		{"https://h/x", "https://h/***"},
		{"https://h?x", "https://h/***"},
		{"https://h#x", "https://h/***"},
		{"https://u@h", "https://h/***"},
		{"https://u:p@h:1/x", "https://h:1/***"},
		{"https://u:p@x@h/y@z", "https://h/***"},
		{"https://[fe80::1%25en0]:1/x", "https://[fe80::1%25en0]:1/***"},
		{"https://h/***", "https://h/***"},
	} {
		if got := redactWebURL(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
		if checkWebURL(c.in) == nil && checkWebURL(redactWebURL(c.in)) != nil {
			t.Errorf("%q: what is shown is no address: %q", c.in, redactWebURL(c.in))
		}
	}
}

func TestRedactURLNeverShowsAPassword(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.StringMatching(`[!-~]{0,8}ZZZ[!-~]{0,8}`).Draw(t, "password")
		url := "postgres://user:" + password + "@host/db"
		if got := RedactURL(url); strings.Contains(got, "ZZZ") {
			t.Fatalf("%s became %s", url, got)
		}
	})
}

func TestWebAddressesThatCanBeReadInTwoWaysAreRefused(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"https://u:12/Secr3t@host/x", "https://u:12?Secr3t@host/x", "https://u:a@Secr3t/b@host", "https://u:Sec@r3t@host/", "https://u:Sec/r3t@host/", "https://u:12#Secr3t@host"} {
		if p := checkWebURL(raw); p == nil || strings.Contains(p.message+p.advice, "r3t") {
			t.Errorf("%s: %+v", raw, p)
		}
	}
	for _, raw := range []string{"https://host/hooks/@me", "https://host/x?to=a@b", "https://u:p%40w@host:8443/x", "http://prom:9090/", "https://host:8443/%40me"} {
		if p := checkWebURL(raw); p != nil {
			t.Errorf("%s: %+v", raw, p)
		}
	}
}
