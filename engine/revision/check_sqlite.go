package revision

import (
	"fmt"
	"strings"
)

func (c *checker) sqliteObjection(o *opening, at int) *fault {
	switch {
	case o.is(0, "ATTACH", "DETACH"):
		return &fault{
			message: strings.ToUpper(o.at(0)) + " cannot stand in a revision",
			advice:  "a revision changes the tenant's own file; a second file would not commit with it",
		}
	case o.is(0, "VACUUM") && !c.options.NoTransaction:
		return &fault{message: "VACUUM cannot run inside a transaction", advice: markAs(c.direction)}
	case o.is(0, "VACUUM"):
		if !o.is(1, "INTO") && !o.is(2, "INTO") { // a copy leaves this file as it is
			c.vacuum = nil
		}
	case o.is(0, "PRAGMA"):
		return c.pragma(o, at)
	}
	return nil
}

// pragma refuses what SQLite accepts without an error and does not do (sqlite.org/pragma.html; seen with 3.46 and
// later): most settings of the file cannot be changed inside a transaction, or once there are tables.
func (c *checker) pragma(o *opening, at int) *fault {
	name, sets := o.at(1), 2
	if o.at(2) == "." {
		name, sets = o.at(3), 4
	}
	name = strings.ToLower(strings.Trim(name, "\"`[]'"))
	writes := o.at(sets) == "=" || o.at(sets) == "("
	inside := !c.options.NoTransaction
	switch {
	case name == "foreign_keys" && inside:
		return c.foreignKeys(o)
	case name == "encoding" && writes:
		return &fault{
			message: "PRAGMA encoding does nothing once the file has tables",
			advice:  "leave it out: the version table is there before the first revision runs; the encoding is chosen when the file is made",
		}
	case (name == "journal_mode" || name == "synchronous") && writes && inside:
		return &fault{message: "PRAGMA " + name + " does nothing inside a transaction", advice: markAs(c.direction)}
	case name == "wal_checkpoint" && inside:
		return &fault{message: "PRAGMA wal_checkpoint cannot run inside a transaction", advice: markAs(c.direction)}
	case (name == "auto_vacuum" || name == "page_size") && writes && inside:
		return &fault{
			message: fmt.Sprintf("PRAGMA %s does nothing inside a transaction", name),
			advice:  markAs(c.direction) + ", and let VACUUM follow, which brings it about",
		}
	case (name == "auto_vacuum" || name == "page_size") && writes:
		c.vacuum = &fault{
			at:      at,
			message: fmt.Sprintf("PRAGMA %s does nothing until VACUUM rewrites the file, and none follows", name),
			advice:  "let a statement VACUUM follow it in this section",
		}
	}
	return nil
}

func (c *checker) foreignKeys(o *opening) *fault {
	f := &fault{
		message: "PRAGMA foreign_keys does nothing inside a transaction",
		advice:  "leave it out: foreign keys are off while a body runs, and are checked before the commit",
	}
	_, on := turnsOn(o)
	switch {
	case c.idle:
		f.advice += "; `Fix` takes it out"
	case on:
		f.advice = fmt.Sprintf("leave it out, and mark the section `-- %sgrade: foreign-keys`: it then runs with foreign keys on", c.direction)
	}
	return f
}
