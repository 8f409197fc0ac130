package integration_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// anything stands in an expected document for what differs from run to run; null is not meant by it. Text that
// begins or ends with it is a part of what is expected.
const anything = "…"

// cmdJSON compares stdout, which has to be one document.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: json FILE")
	}
	compare(ts, decode(ts, ts.ReadFile("stdout")), args[0])
}

// cmdStream looks at the form of a stream, and compares its report.
func cmdStream(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stream FILE")
	}
	lines := events(ts)
	if kind := lines[0]["kind"]; kind != "version" {
		ts.Fatalf("the stream begins with %v", kind)
	}
	for k, line := range lines {
		if line["seq"] != float64(k+1) || line["time"] == nil {
			ts.Fatalf("line %d has seq %v and time %v", k+1, line["seq"], line["time"])
		}
		if last := k == len(lines)-1; (line["kind"] == "report") != last {
			ts.Fatalf("line %d of %d is a %v", k+1, len(lines), line["kind"])
		}
	}
	compare(ts, any(bare(lines[len(lines)-1])), args[0])
}

// cmdEvent looks for a line of a stream; with ! there must be none.
func cmdEvent(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] event FILE")
	}
	want := decode(ts, os.Expand(ts.ReadFile(args[0]), ts.Getenv))
	found := slices.ContainsFunc(events(ts), func(line map[string]any) bool {
		return differs("", want, any(bare(line))) == ""
	})
	if found == neg {
		ts.Fatalf("a line like %s: %v, want %v\n%s", args[0], found, !neg, ts.ReadFile("stdout"))
	}
}

// bare is a line without what its stream gave it.
func bare(line map[string]any) map[string]any {
	line = maps.Clone(line)
	delete(line, "seq")
	delete(line, "time")
	return line
}

func events(ts *testscript.TestScript) []map[string]any {
	var lines []map[string]any
	for text := range strings.Lines(ts.ReadFile("stdout")) {
		line, ok := decode(ts, text).(map[string]any)
		if !ok {
			ts.Fatalf("the line is no object: %s", text)
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		ts.Fatalf("stdout is empty")
	}
	return lines
}

func decode(ts *testscript.TestScript, text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		ts.Fatalf("no JSON document: %v\n%s", err, text)
	}
	return v
}

func compare(ts *testscript.TestScript, got any, file string) {
	want := decode(ts, os.Expand(ts.ReadFile(file), ts.Getenv))
	if where := differs("", want, got); where != "" {
		text, err := json.MarshalIndent(got, "", "  ")
		ts.Check(err)
		ts.Fatalf("%s: %s\nwhole: %s", file, where, text)
	}
}

// differs says where got is not what is wanted; "" when it is.
func differs(at string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(g)) {
			if _, known := w[key]; !known {
				return fmt.Sprintf("%s.%s is too much", at, key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(w)) {
			value, ok := g[key]
			if !ok {
				return fmt.Sprintf("%s.%s is missing", at, key)
			}
			if where := differs(at+"."+key, w[key], value); where != "" {
				return where
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		for k := range w {
			if where := differs(fmt.Sprintf("%s[%d]", at, k), w[k], g[k]); where != "" {
				return where
			}
		}
		return ""
	case string:
		if w == anything && got != nil {
			return ""
		}
		g, ok := got.(string)
		before, from := strings.CutPrefix(w, anything)
		part, to := strings.CutSuffix(before, anything)
		switch {
		case !ok:
		case from && to && strings.Contains(g, part), from && !to && strings.HasSuffix(g, part), to && !from && strings.HasPrefix(g, part), g == w:
			return ""
		}
	default:
		if want == got {
			return ""
		}
	}
	return fmt.Sprintf("%s is %v, want %v", at, got, want)
}

// The comparison decides what every script proves, so it is tested itself.
func TestDiffers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		want, got string
		same      bool
	}{
		{`{"a":[1,null,"x"]}`, `{"a":[1,null,"x"]}`, true},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`{"a":1,"b":2}`, `{"a":1}`, false},
		{`[]`, `null`, false},
		{`[1]`, `[1,2]`, false},
		{`"…"`, `"x"`, true},
		{`"…"`, `7`, true},
		{`"…"`, `null`, false},
		{`"…b…"`, `"abc"`, true},
		{`"…b"`, `"abc"`, false},
		{`"a…"`, `"abc"`, true},
		{`"a…"`, `"bc"`, false},
		{`null`, `0`, false},
		{`false`, `null`, false},
	} {
		var want, got any
		if err := json.Unmarshal([]byte(test.want), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(test.got), &got); err != nil {
			t.Fatal(err)
		}
		if where := differs("", want, got); (where == "") != test.same {
			t.Errorf("differs(%s, %s) = %q, want same %v", test.want, test.got, where, test.same)
		}
	}
}
