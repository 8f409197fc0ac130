package engine

// Notice is a WARNING or a NOTICE that PostgreSQL sent while the statements of a tenant ran.
type Notice struct {
	Severity string // WARNING or NOTICE
	SQLState string
	Message  string  // one line, cut to about 500 bytes; it may hold values of rows
	Revision string  // "" where it is not known: at the commit of several revisions
	File     string  // slash path below the revisions folder
	Line     int     // of the statement in File, 1-based; 0 when unknown, as at a commit
	Number   int     // of the statement in its section, from 1; 0 when unknown
	Fields   *Fields // what the server says besides its text
}

// NoticesKept is how many notices of one job are kept: the last ones. A loop may cause a million.
const NoticesKept = 20

// LastNotices appends notices to kept, and returns the last NoticesKept of them.
func LastNotices(kept []Notice, more ...Notice) []Notice {
	kept = append(kept, more...)
	return kept[max(0, len(kept)-NoticesKept):]
}
