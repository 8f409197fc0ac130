// Package store has the stores of rollouts: in memory, in a SQLite file and in a PostgreSQL database.
//
//	Create ──▶ rollout + plan        one row each
//	Append ──▶ facts, and the fold of all of them in the rollout's row, in one transaction
//	Load   ◀── plan and facts        List ◀── the rollouts' rows alone
//	Lock   ──▶ an OS lock beside the file, or a session advisory lock: it dies with its process
//
// The tables are made and migrated by skein's own engine. All stores pass one conformance suite.
package store
