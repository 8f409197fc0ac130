package revision

import (
	"fmt"
	"slices"
	"strings"
)

// control is a statement that begins or ends a transaction, which no section may have.
type control struct {
	number int    // of the statement in its section, from 0
	verb   string // its first word, in upper case
	fault  *fault
}

// adviseControls sets the advice of each: it depends on what follows, and on how the section runs.
func adviseControls(controls []control, statements int, options Options, f frame) {
	ended := false // a transaction ended before
	for _, c := range controls {
		begins, ends := c.verb == "BEGIN" || c.verb == "START", c.verb == "COMMIT" || c.verb == "END"
		switch last := c.number == statements-1; {
		case c.verb == "ROLLBACK", c.verb == "ABORT":
			c.fault.advice = "take it out, with the statements that it takes back: skein rolls the body back where a statement fails"
		case options.NoTransaction:
			c.fault.advice = "leave it out: each statement of a no-transaction section is committed by itself; statements that belong together go into a revision without no-transaction"
		case ends && !last, begins && ended:
			c.fault.advice = "split the file here, in place of COMMIT and BEGIN: what follows goes into a revision of its own, marked own-transaction, which begins once what comes before is committed"
		default:
			c.fault.advice = "leave it out: skein opens and ends the transaction, so that the body and its version row are one"
			if f.outer() {
				c.fault.advice += "; `Fix` takes it out"
			}
		}
		ended = ended || ends
	}
}

// transactionSettings are what SET TRANSACTION sets, by their own names.
var transactionSettings = []string{"transaction_isolation", "transaction_read_only", "transaction_deferrable"}

// transactionSetting refuses what changes the transaction, which has begun by then: SET TRANSACTION and its forms.
func transactionSetting(o *opening, options Options, d Direction) *fault {
	if !o.is(0, "SET") {
		return nil
	}
	at := 1
	if o.is(at, "LOCAL", "SESSION") {
		at++
	}
	what := ""
	switch {
	case o.is(at, "TRANSACTION"):
		what = "SET TRANSACTION"
	case o.is(at, "CHARACTERISTICS"):
		what = "SET SESSION CHARACTERISTICS"
	default:
		name := strings.ToLower(strings.Trim(o.at(at), `"`))
		if slices.Contains(transactionSettings, name) {
			what = "SET " + name
		}
	}
	if what == "" {
		return nil
	}
	return &fault{message: what + " cannot stand in a revision", advice: isolationAdvice(levelOf(o.text), options, d)}
}

// levelOf finds which level a statement asks for; "" for READ COMMITTED and for none.
func levelOf(text string) Isolation {
	tokens, _ := Tokens(text)
	words := strings.ToLower(strings.Join(tokens, " "))
	switch {
	case strings.Contains(words, "serializable"):
		return Serializable
	case strings.Contains(words, "repeatable read"):
		return RepeatableRead
	}
	return ""
}

func isolationAdvice(level Isolation, options Options, d Direction) string {
	switch {
	case options.NoTransaction && level != "":
		return fmt.Sprintf("leave it out: each statement of a no-transaction section runs by itself; for another level write `-- %sgrade: isolation=%s` in place of no-transaction", d, level)
	case level != "":
		return fmt.Sprintf("leave it out, and mark the section `-- %sgrade: isolation=%s`: it then runs in a transaction of its own, of that level", d, level)
	}
	return "leave it out: skein opens the transaction, as READ COMMITTED READ WRITE"
}

// settingOutside is the advice for a setting in a no-transaction section, whose statements run by themselves.
func settingOutside(o *opening, d Direction) string {
	at := 1
	if o.is(at, "LOCAL", "SESSION") {
		at++
	}
	name := strings.ToLower(strings.Trim(o.at(at), `"`))
	switch name {
	case optLockTimeout, optStatementTimeout:
		return fmt.Sprintf("take it out: in a no-transaction section the limit stands in the marker, as in `-- %sgrade: no-transaction, %s=5s`", d, name)
	case "role", "session", "authorization", "time":
		return "take it out: no setting of a no-transaction section lasts from one statement to the next; without no-transaction, SET LOCAL can stand there"
	}
	return fmt.Sprintf("take it out: no setting of a no-transaction section lasts from one statement to the next; set it in the server's URL, as in `?%s=…`; or, without no-transaction, by SET LOCAL", name)
}
