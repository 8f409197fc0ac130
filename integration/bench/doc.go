// Package bench compares skein with the least that a program could do, and with goose's library.
//
//	contender: prepare ──▶ [ run ] ──▶ sample      one of each a round, in turn: A B C, B C A, …
//	                        └ timed; server's and client's CPU      ──▶ medians, ratios by round ──▶ table
//
// It is all in the tests: `make bench` measures on a dedicated server with fsync, and `make test` runs the same
// code at tiny sizes, asserting no time. docs/performance.md has figures and method.
package bench
