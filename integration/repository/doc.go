// Package repository tests the repository itself.
//
//	imports_test.go   which package may import which
//	rules_test.go     names of folders and packages, length of files, no init, skips with a reason
//	source_test.go    the packages and files that the tests read
package repository
