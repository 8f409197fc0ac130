package sqlite

import "github.com/skeindb/skein/engine"

// refused is the error of a version row that the table refuses. Transient errors, and those of the disk, stay as they
// are.
func (t versionTable) refused(err error, step engine.Step) error {
	e := *classify(err)
	switch e.Class {
	case engine.Data, engine.Revision, engine.Internal:
	default:
		return &e
	}
	e.Revision, e.File = step.Revision.ID, step.Revision.File
	e.Message = "skein's row for revision " + step.Revision.ID + " was refused: " + e.Message
	e.Advice = "look at the columns, constraints and triggers of " + t.name + ": skein writes " + versionColumns + "; any other column has to allow NULL or have a default"
	return &e
}

// lost is the error of a version row that is missing although SQLite accepted the statement.
func (t versionTable) lost(step engine.Step, came string) error {
	return &engine.Error{
		Class: engine.Data, Revision: step.Revision.ID, File: step.Revision.File,
		Message: came,
		Advice:  "look at the triggers of " + t.name + ": a row that they remove is not recorded, so nothing of the revision was kept",
	}
}
