package sqlite

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	modernc "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/skeindb/skein/engine"
)

const (
	permissionAdvice = "let the user that runs skein read and write the file, and create files in its folder"
	diskAdvice       = "look at the disk and the file system, then try again"
	rowsAdvice       = "correct the tenant's rows, then retry; or let the revision correct them first"
	corruptAdvice    = "run PRAGMA integrity_check on a copy of the file; restore the tenant from a backup, or .recover it"
)

// meaning is the class of a result code, and what to do.
type meaning struct {
	class  engine.Class
	advice string
}

// meanings has primary and extended result codes (https://www.sqlite.org/rescode.html). An extended code that is not here
// has the meaning of its primary code; a code with neither is Internal.
var meanings = map[int]meaning{
	lib.SQLITE_BUSY:     {engine.Busy, ""},
	lib.SQLITE_LOCKED:   {engine.Busy, ""},
	lib.SQLITE_PROTOCOL: {engine.Transient, ""},
	lib.SQLITE_SCHEMA:   {engine.Transient, ""},

	lib.SQLITE_NOMEM:       {engine.Capacity, ""},
	lib.SQLITE_IOERR_NOMEM: {engine.Capacity, ""},

	lib.SQLITE_FULL:     {engine.Server, "free space on the disk (or lift max_page_count), then try again"},
	lib.SQLITE_IOERR:    {engine.Server, diskAdvice},
	lib.SQLITE_NOLFS:    {engine.Server, diskAdvice},
	lib.SQLITE_PERM:     {engine.Server, permissionAdvice},
	lib.SQLITE_CANTOPEN: {engine.Server, permissionAdvice},
	lib.SQLITE_READONLY: {engine.Server, permissionAdvice},

	lib.SQLITE_READONLY_DBMOVED: {engine.Gone, "run again: the tenant is then surveyed again"},

	// One file is broken, not the disk: other tenants continue.
	lib.SQLITE_NOTADB:  {engine.Data, "take the file out of the source, or restore the tenant from a backup"},
	lib.SQLITE_FORMAT:  {engine.Data, corruptAdvice},
	lib.SQLITE_CORRUPT: {engine.Data, corruptAdvice},

	lib.SQLITE_CONSTRAINT: {engine.Data, rowsAdvice},
	lib.SQLITE_MISMATCH:   {engine.Data, rowsAdvice},
	lib.SQLITE_TOOBIG:     {engine.Data, rowsAdvice},

	lib.SQLITE_ERROR: {engine.Revision, ""}, // syntax, missing table and the like
	lib.SQLITE_AUTH:  {engine.Revision, ""},
	lib.SQLITE_RANGE: {engine.Revision, ""},

	lib.SQLITE_INTERRUPT: {engine.Canceled, ""},
}

// opened is an error of the driver with the path of its file.
type opened struct {
	error
	path string
}

func (o opened) Unwrap() error { return o.error }

func cause(err error, path string) error {
	if err == nil {
		return nil
	}
	return opened{err, path}
}

// classify turns any error into an *engine.Error; one that is an *engine.Error stays as it is. Result codes of SQLite are
// known only here, and in isBusy, isIO and isPlain below.
func classify(err error) *engine.Error {
	if e, ok := errors.AsType[*engine.Error](err); ok {
		return e
	}
	var at opened
	if errors.As(err, &at) {
		err = at.error
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &engine.Error{Class: engine.Canceled, Message: "canceled", Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &engine.Error{Class: engine.Canceled, Message: "canceled, since its time was up", Err: err}
	}
	var s *modernc.Error
	if !errors.As(err, &s) {
		return foreign(err)
	}
	m := refine(s, at.path)
	return &engine.Error{
		Class:    m.class,
		SQLState: strconv.Itoa(s.Code()),
		Message:  message(s),
		Advice:   m.advice,
		Err:      err,
		Fields:   fieldsOf(s),
		Quoted:   message(s),
	}
}

// foreign classifies errors that are not SQLite's. The driver itself refuses a parameter in a body.
func foreign(err error) *engine.Error {
	if strings.HasPrefix(err.Error(), "missing argument") || strings.HasPrefix(err.Error(), "missing named argument") {
		return &engine.Error{
			Class:   engine.Revision,
			Message: "the statement has a parameter, and a revision has no arguments: " + err.Error(),
			Advice:  "write the value itself; ?, :name, @name and $name are parameters outside of quotes",
			Err:     err,
		}
	}
	return &engine.Error{Class: engine.Internal, Message: err.Error(), Err: err}
}

// refine looks up a result code, and tells causes apart that share a code.
func refine(s *modernc.Error, path string) meaning {
	m, ok := meanings[s.Code()]
	if !ok {
		m, ok = meanings[s.Code()&0xff]
	}
	switch {
	case !ok:
		return meaning{class: engine.Internal}
	case s.Code()&0xff == lib.SQLITE_CANTOPEN && outOfDescriptors():
		return meaning{engine.Capacity, "raise the limit of open files (ulimit -n), or lower the concurrency"}
	case s.Code()&0xff == lib.SQLITE_READONLY && m.class == engine.Server && isReadOnly(path):
		return meaning{engine.Data, "the file's mode forbids writing: chmod u+w, or take the tenant out of the fleet"}
	}
	return m
}

// outOfDescriptors tries to open a file, because SQLite does not say why it could not.
func outOfDescriptors() bool {
	f, err := os.Open(os.DevNull)
	if err != nil {
		return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
	}
	_ = f.Close()
	return false
}

// isReadOnly reports whether the mode of the file forbids all writing: then the fault is of this file, not of the disk.
func isReadOnly(path string) bool {
	file, err := os.Stat(path)
	return err == nil && file.Mode().Perm()&0o222 == 0
}

// isBusy reports whether err says that another connection holds a lock.
func isBusy(err error) bool { return hasCode(err, lib.SQLITE_BUSY) }

// isIO reports whether the disk failed, so that it is not known what a COMMIT did.
func isIO(err error) bool { return hasCode(err, lib.SQLITE_IOERR) }

// isPlain reports whether err is SQLITE_ERROR: SQL that cannot be prepared, a mismatched foreign key.
func isPlain(err error) bool { return hasCode(err, lib.SQLITE_ERROR) }

func hasCode(err error, primary int) bool {
	var s *modernc.Error
	return errors.As(err, &s) && s.Code()&0xff == primary
}

// message returns SQLite's own message for the case, which the driver wraps as
// "constraint failed: UNIQUE constraint failed: t.a (2067)".
func message(s *modernc.Error) string {
	text := codeSuffix.ReplaceAllString(s.Error(), "")
	for _, general := range []string{"SQL logic error: ", "constraint failed: "} {
		text = strings.TrimPrefix(text, general)
	}
	return strings.Join(strings.Fields(text), " ")
}

var codeSuffix = regexp.MustCompile(` \(-?\d+\)( \(SQLITE_BUSY\))?$`)
