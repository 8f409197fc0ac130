// Package repository tests the repository itself.
//
//	imports_test.go             which package may import which, and who links cobra and pgx
//	rules_test.go               names of folders and packages, length of files, no init, skips with a reason
//	command_line_text_test.go   no command and no flag in the texts of the library
//	doc_comments_test.go        a doc comment for each exported identifier
//	public_api_test.go          the public API is the one recorded in integration/testdata/api
//	source_test.go              the packages and files that the tests read
package repository
