package postgres

import (
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// noticeKept bounds the text of a notice, in bytes.
const noticeKept = 500

// isKept reports whether a notice is kept: NOTICE and WARNING are; LOG, DEBUG and INFO are not.
func isKept(n *pgconn.Notice) bool {
	s := severity((*pgconn.PgError)(n))
	return s == "NOTICE" || s == "WARNING"
}

// noticeOf converts a notice, without the statement that it belongs to.
func noticeOf(n *pgconn.Notice) engine.Notice {
	e := (*pgconn.PgError)(n)
	return engine.Notice{Severity: severity(e), SQLState: e.Code, Message: cutTo(oneLine(messageOf(e)), noticeKept), Fields: fieldsOf(e)}
}

// collected are the notices of one message, each with the part that it belongs to. A message that is sent again causes the
// same notices again.
type collected struct {
	notices []engine.Notice
	parts   []int
}

// collect collects the notices of the bodies of a message until the returned function is called, which the caller must do: a
// connection serves one tenant after another.
func (a *applier) collect(m *message) (*collected, func()) {
	h := &collected{}
	if a.work.Notice == nil {
		return h, func() {}
	}
	a.conn.notice = func(n *pgconn.Notice) {
		if len(m.pieces) == 0 || !isKept(n) {
			return
		}
		p := m.pieces[min(a.conn.completed, len(m.pieces)-1)]
		if p.kind != kindBody && p.kind != kindCommit && p.kind != kindReset {
			return // of skein's own statements
		}
		h.add(p.part, a.placed(noticeOf(n), p))
	}
	return h, func() { a.conn.notice = nil }
}

func (h *collected) add(part int, n engine.Notice) {
	if over := len(h.notices) + 1 - engine.NoticesKept; over > 0 {
		h.notices, h.parts = slices.Delete(h.notices, 0, over), slices.Delete(h.parts, 0, over)
	}
	h.notices, h.parts = append(h.notices, n), append(h.parts, part)
}

// placed adds the origin of a notice: a statement, or at the end of a transaction its only revision.
func (a *applier) placed(n engine.Notice, p piece) engine.Notice {
	steps := a.work.Parts[p.part].Steps
	step := steps[min(p.step, len(steps)-1)]
	switch {
	case p.kind == kindBody:
		stmt := a.bodies(step).statements[p.n]
		n.Line, n.Number = stmt.Line, p.n+1
	case p.kind == kindCommit && len(steps) > 1:
		return n
	}
	n.Revision, n.File = step.Revision.ID, step.Revision.File
	return n
}

// deliver passes on the notices of committed parts, and those of other parts unless they are sent again.
func (a *applier) deliver(h *collected, committed int) {
	for i, n := range h.notices {
		if h.parts[i] < committed || !a.resend {
			a.work.Notice(n)
		}
	}
}

// collect passes on the notices of statement n, counted from 1, of a no-transaction section.
func (o *noTxRun) collect(n, line int) {
	if o.work.Notice == nil {
		return
	}
	o.conn.notice = func(raw *pgconn.Notice) {
		if !isKept(raw) {
			return
		}
		notice := noticeOf(raw)
		notice.Revision, notice.File, notice.Line, notice.Number = o.step.Revision.ID, o.step.Revision.File, line, n
		o.work.Notice(notice)
	}
}

// ignore drops the notices of the statements that follow.
func (o *noTxRun) ignore() { o.conn.notice = nil }
