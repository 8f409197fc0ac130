package plan

// Next is what can be done now, as a value: a front end renders it as a command, a button or a call. The zero value is
// nothing. Errors that know what to do have a method Next beside Hint, which is the same advice in words.
type Next struct {
	Do           Do
	Rollout      string // id of the rollout that it is about; "" where a new one is made
	Partial      bool   // of a rollback: only the tenants that can be taken down
	AllowChanged bool   // although applied revisions changed: see [Rules.AllowChanged]
}

// IsZero reports whether there is nothing to do.
func (n Next) IsZero() bool { return n == Next{} }

// Do is something that can be done with a fleet or a rollout.
type Do string

const (
	DoPlan     Do = "plan"    // write a plan file
	DoUpgrade  Do = "upgrade" // a new rollout, planned from where the tenants stand
	DoStamp    Do = "stamp"
	DoResume   Do = "resume"
	DoApprove  Do = "approve"
	DoRollback Do = "rollback"
)
