// Package postgres keeps rollouts in a PostgreSQL database, for several machines.
//
// The fleet's lock is an advisory lock of a session, so that it ends with the connection that has it.
package postgres
