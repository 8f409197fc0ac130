package revision

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skeindb/skein/engine/text"
)

// The options of a section marker, in the order in which they are written.
const (
	optNoTransaction    = "no-transaction"
	optOwnTransaction   = "own-transaction"
	optForeignKeys      = "foreign-keys"
	optAlone            = "alone"
	optTemplate         = "template"
	optLockTimeout      = "lock_timeout"
	optStatementTimeout = "statement_timeout"
	optConcurrency      = "concurrency"
	optIsolation        = "isolation"
)

var optionNames = []string{
	optNoTransaction, optOwnTransaction, optForeignKeys, optAlone, optTemplate, optLockTimeout, optStatementTimeout, optConcurrency, optIsolation,
}

// Isolation is the level of the transaction that a section runs in, as it is written in its marker; "" = READ COMMITTED.
type Isolation string

const (
	RepeatableRead Isolation = "repeatable-read" // REPEATABLE READ
	Serializable   Isolation = "serializable"    // SERIALIZABLE
)

// SQL returns the level as BEGIN ISOLATION LEVEL takes it.
func (i Isolation) SQL() string {
	if i == "" {
		return "READ COMMITTED"
	}
	return strings.ToUpper(strings.ReplaceAll(string(i), "-", " "))
}

// Runs returns the options that say what a section does, without those that only say how it is run: alone, how many at
// once, with which limits. Only the former are part of [Revision.Checksum], so that the others can be added to a revision
// that is applied.
func (o Options) Runs() Options {
	return Options{NoTransaction: o.NoTransaction, Template: o.Template}
}

// maxTimeout is PostgreSQL's: milliseconds in an int32.
const maxTimeout = math.MaxInt32 * time.Millisecond

// String returns the options as they are written after the colon of a marker; "" for the zero value.
func (o Options) String() string {
	var list []string
	for _, flag := range []struct {
		on   bool
		name string
	}{{o.NoTransaction, optNoTransaction}, {o.OwnTransaction, optOwnTransaction}, {o.ForeignKeys, optForeignKeys}, {o.Alone, optAlone}, {o.Template, optTemplate}} {
		if flag.on {
			list = append(list, flag.name)
		}
	}
	if o.LockTimeout != nil {
		list = append(list, optLockTimeout+"="+formatTimeout(*o.LockTimeout))
	}
	if o.StatementTimeout != nil {
		list = append(list, optStatementTimeout+"="+formatTimeout(*o.StatementTimeout))
	}
	if o.Concurrency != 0 {
		list = append(list, optConcurrency+"="+strconv.Itoa(o.Concurrency))
	}
	if o.Isolation != "" {
		list = append(list, optIsolation+"="+string(o.Isolation))
	}
	return strings.Join(list, ", ")
}

func formatTimeout(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	return d.String()
}

// parseOptions reads `opt, opt`; the faults count from the beginning of text.
func parseOptions(text string) (Options, []fault) {
	var (
		o      Options
		faults []fault
		seen   []string
	)
	if strings.TrimSpace(text) == "" {
		return o, nil
	}
	for item := range listItems(text) {
		name, _, _ := strings.Cut(item.text, "=")
		name = strings.TrimSpace(name)
		var f *fault
		if slices.Contains(seen, name) {
			f = &fault{message: fmt.Sprintf("option %s is there twice", name), advice: "leave one of them out"}
		} else {
			f = o.set(item.text)
		}
		if f != nil {
			f.at = item.at
			faults = append(faults, *f)
		}
		seen = append(seen, name)
	}
	if o.NoTransaction && o.OwnTransaction {
		faults = append(faults, fault{
			at:      strings.Index(text, optOwnTransaction),
			message: "no-transaction and own-transaction contradict each other",
			advice:  "own-transaction commits the revision by itself; no-transaction runs each statement outside a transaction",
		})
	}
	if o.NoTransaction && o.Isolation != "" {
		faults = append(faults, fault{
			at:      strings.Index(text, optIsolation),
			message: "no-transaction and isolation contradict each other",
			advice:  "isolation is that of a transaction, which the revision then has by itself; leave one of them out",
		})
	}
	return o, faults
}

func (o *Options) set(item string) *fault {
	name, value, hasValue := strings.Cut(item, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	flag := map[string]*bool{
		optNoTransaction: &o.NoTransaction, optOwnTransaction: &o.OwnTransaction,
		optForeignKeys: &o.ForeignKeys, optAlone: &o.Alone, optTemplate: &o.Template,
	}[name]
	switch {
	case flag != nil && hasValue:
		return &fault{message: fmt.Sprintf("option %s takes no value", name), advice: "write it without `=`"}
	case flag != nil:
		*flag = true
		return nil
	case name == optLockTimeout:
		return setTimeout(&o.LockTimeout, name, value)
	case name == optStatementTimeout:
		return setTimeout(&o.StatementTimeout, name, value)
	case name == optConcurrency:
		return setConcurrency(&o.Concurrency, value)
	case name == optIsolation:
		return setIsolation(&o.Isolation, value)
	case item == "":
		return &fault{message: "an option is missing between the commas", advice: "options are " + strings.Join(optionNames, ", ")}
	}
	return &fault{message: fmt.Sprintf("unknown option %q", name), advice: didYouMean(name, optionNames)}
}

func setTimeout(to **time.Duration, name, value string) *fault {
	d, err := time.ParseDuration(value)
	advice := "write 5s, 500ms, 2m, or 0 for none"
	switch {
	case err != nil:
		return &fault{message: fmt.Sprintf("%s: %q is no duration", name, value), advice: advice}
	case d < 0:
		return &fault{message: fmt.Sprintf("%s: %s is negative", name, value), advice: advice}
	case d > 0 && d < time.Millisecond: // the server would round it to 0, which means none
		return &fault{message: fmt.Sprintf("%s: %s is less than a millisecond", name, value), advice: advice}
	case d > maxTimeout:
		return &fault{message: fmt.Sprintf("%s: %s is more than the server can count (%s)", name, value, maxTimeout), advice: advice}
	}
	*to = &d
	return nil
}

func setConcurrency(to *int, value string) *fault {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 1 {
		return &fault{message: fmt.Sprintf("concurrency: %q is no number of tenants", value), advice: "write a whole number from 1"}
	}
	*to = int(n)
	return nil
}

func setIsolation(to *Isolation, value string) *fault {
	switch i := Isolation(value); i {
	case RepeatableRead, Serializable:
		*to = i
		return nil
	case "read-committed":
		return &fault{message: "isolation: read-committed is what every section has", advice: "leave the option out"}
	}
	return &fault{message: fmt.Sprintf("isolation: %q is no level", value), advice: didYouMean(value, []string{string(RepeatableRead), string(Serializable)})}
}

// didYouMean offers the known word that is most like word, or else all of them.
func didYouMean(word string, known []string) string {
	return cmp.Or(text.DidYouMean(word, known), "known are "+strings.Join(known, ", "))
}
