// Package sqlite is skein's SQLite dialect: one file is one tenant.
//
//	db, err := sqlite.New(sqlite.Config{})      // *DB is an engine.Database
//	e := engine.New(db, graph, engine.Config{})
//
//	Survey ── stat, open, read skein_version, close ──▶ Standing         (a few files at a time)
//	Open ───▶ Session ── BEGIN IMMEDIATE · stands at Before? · bodies · rows · keys hold? · COMMIT
//	                                 └── anything else: ROLLBACK ──▶ *engine.Error
//
// The tenant's lock is SQLite's own write lock. Files are opened read-write and never created. The journal mode and
// other settings that the file or its application chose stay as they are. synchronous is not one of them: it belongs to
// a connection, and these have SQLite's default, FULL.
//
// Bodies run with foreign_keys=OFF, so that a table can be rebuilt by SQLite's documented procedure (new table, copy,
// drop, rename; https://www.sqlite.org/lang_altertable.html §7). ON DELETE and ON UPDATE actions do not run then. Before
// COMMIT the keys of the whole file are checked: a body that leaves rows without their parents fails; rows that were
// without a parent before do not block it (see keys.go).
//
// This package opens a tenant's file only through SQLite, and a program that uses it should do the same: on POSIX
// systems closing any other descriptor of the file drops SQLite's locks on it
// (https://www.sqlite.org/howtocorrupt.html §2.2). os.Stat is harmless.
package sqlite
