// Package skeintest runs the built binary as users do: a folder with a config and revisions, a command, its
// exit code and what it printed.
package skeintest
