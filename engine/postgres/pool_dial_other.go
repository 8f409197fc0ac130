//go:build !linux

package postgres

import "syscall"

// limitSilence does nothing where the system has no such bound: keepalive and [DB.Watch] remain.
func limitSilence(string, string, syscall.RawConn) error { return nil }
