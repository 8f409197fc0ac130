// Package enginetest is the conformance suite that every dialect of the engine must pass.
//
//	enginetest.Run(t, enginetest.Dialect{…}) ── engine.Engine ── engine.Database ──▶ a real database
//	                       └── Exec, Query, Lock, Drop: another client, behind the engine's back
//
// The suite uses a dialect through [engine.Engine], as every user does, and checks the result as another client of the
// database. Each promise is one subtest, named by the promise; all run in parallel, each with tenants of its own. Its
// revisions are plain SQL that the dialects have in common.
package enginetest
