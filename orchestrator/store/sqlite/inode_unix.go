//go:build unix

package sqlite

import (
	"io/fs"
	"syscall"
)

// inode returns how many names a file has, and the user that owns it.
func inode(info fs.FileInfo) (names, owner int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Nlink), int(st.Uid) //nolint:gosec,unconvert // it is of another size elsewhere, and small
	}
	return 1, -1
}
