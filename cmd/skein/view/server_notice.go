package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/skeindb/skein/orchestrator/rollout"
)

// writeNotices is a paragraph for each kind of notice that servers gave, with -v; else a line that there were
// warnings.
func writeNotices(w io.Writer, r *rollout.Report, o Options) {
	kinds, more := r.Notices()
	if o.Quiet || len(kinds) == 0 {
		return
	}
	if !o.Verbose {
		warnings := 0
		for _, k := range kinds {
			if k.Example.Severity == "WARNING" {
				warnings++
			}
		}
		if warnings > 0 {
			fmt.Fprintf(w, "\n%s from the servers; -v shows them\n", Count(warnings, "warning"))
		}
		return
	}
	const most = 20
	fmt.Fprintf(w, "\n%s from the servers\n", Count(len(kinds), "notice"))
	for _, k := range kinds[:min(most, len(kinds))] {
		fmt.Fprintf(w, "  %s  %s\n", o.paint(yellow, fmt.Sprintf("%d ×", k.Count)), noticeLine(k.Example, o))
		fmt.Fprintf(w, "       tenants: %s\n", few(k.Tenants, k.Count))
	}
	if rest := len(kinds) - most; rest > 0 {
		fmt.Fprintf(w, "  and %d more; --json has them\n", rest)
	}
	if more > 0 {
		fmt.Fprintf(w, "  and %d notices of other kinds\n", more)
	}
}

// noticeLine is a notice in a line: "WARNING 3 rows skipped (revision aaaa1111, migrations/aaaa1111_n.sql:6)".
func noticeLine(n rollout.Notice, o Options) string {
	var where []string
	if n.Revision != "" {
		where = append(where, "revision "+n.Revision)
	}
	if n.File != "" {
		where = append(where, o.at(n.File, n.Line))
	}
	text := n.Severity + " " + n.Message
	if len(where) > 0 {
		text += " (" + strings.Join(where, ", ") + ")"
	}
	return Line(text)
}

// noticeLines are a tenant's notices, a line each, the last ones.
func noticeLines(all []rollout.Notice, indent string, most int, o Options) string {
	var b strings.Builder
	for _, n := range all[max(0, len(all)-most):] {
		b.WriteString("\n" + indent + noticeLine(n, o))
	}
	return b.String()
}
