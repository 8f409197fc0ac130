// Package sqlite keeps rollouts in a SQLite file, for one machine. It is the default.
//
// The fleet's lock is a lock of the operating system beside the file, so that it ends with the process that has it.
package sqlite
