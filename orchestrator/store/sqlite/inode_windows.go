package sqlite

import "io/fs"

// inode returns how many names a file has, and the user that owns it; -1 where that is not known.
func inode(fs.FileInfo) (names, owner int) { return 1, -1 }
