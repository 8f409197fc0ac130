// Package sqlite is skein's SQLite dialect: one file is one tenant.
//
//	Survey ── stat, open, read skein_version, close ──▶ Standing         (a few files at a time)
//	Open ───▶ Session ── BEGIN IMMEDIATE · stands at Before? · bodies · rows · keys hold? · COMMIT
//	                                 └── anything else: ROLLBACK ──▶ *engine.Error
//
// The tenant's lock is SQLite's own write lock. Files are opened read-write and never created; the journal
// mode, synchronous and whatever else the file or its application chose stay as they are. Note that
// synchronous is no property of a file: a connection starts with FULL, and these do.
//
// Bodies run with foreign_keys=OFF, so that a table can be rebuilt by SQLite's documented procedure (new
// table, copy, drop, rename; https://www.sqlite.org/lang_altertable.html §7). ON DELETE and ON UPDATE
// actions do not run then. Before COMMIT the keys of the whole file are checked: a body that left rows
// without their parents fails; ones that the file had before do not block it (see keys.go).
//
// No code of this package opens a tenant's file except through SQLite, and no code of a program that uses
// it should: on POSIX systems closing any other descriptor of the file drops SQLite's locks on it
// (https://www.sqlite.org/howtocorrupt.html §2.2). Looking at it with os.Stat is harmless.
package sqlite
