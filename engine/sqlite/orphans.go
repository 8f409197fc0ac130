package sqlite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rows without a parent are compared one by one: by the columns and values of the foreign key and of the primary key. If
// the columns differ from those before (a table was rebuilt with others, or renamed), only the values of the foreign key
// are compared. Rowids are not compared, since a rebuilt table may number its rows in another way. The rows are recorded
// in two temporary tables, which SQLite moves to disk when they get large.
const (
	beforeTable = "temp.skein_orphans_before"
	afterTable  = "temp.skein_orphans_after"
)

// orphans are the rows without a parent at one time; the rows themselves are in the temporary table.
type orphans struct {
	table   string
	rows    map[reference]int    // how many; with a defect, 1
	columns map[reference]string // of the keys between the two tables, and of the primary key
	known   map[reference]bool   // whatever has a key
}

// findOrphans records all rows of the file whose parent is missing.
func findOrphans(ctx context.Context, c *conn, table string) (*orphans, error) {
	o, err := noOrphans(ctx, c, table)
	if err != nil {
		return nil, err
	}
	tables, err := readTables(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if err := o.add(ctx, c, tables, name); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// noOrphans returns orphans that are none, with an empty table.
func noOrphans(ctx context.Context, c *conn, table string) (*orphans, error) {
	o := &orphans{table: table, rows: map[reference]int{}, columns: map[reference]string{}, known: map[reference]bool{}}
	for _, sql := range []string{
		"CREATE TEMP TABLE IF NOT EXISTS " + strings.TrimPrefix(table, "temp.") + " (child, parent, columns, fk, pk, rid)",
		"DELETE FROM " + table,
	} {
		if err := c.exec(ctx, sql); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// forgetOrphans removes the tables.
func forgetOrphans(ctx context.Context, c *conn) error {
	for _, table := range []string{beforeTable, afterTable} {
		if err := c.exec(ctx, "DROP TABLE IF EXISTS "+table); err != nil {
			return err
		}
	}
	return nil
}

// add records the rows of one table.
func (o *orphans) add(ctx context.Context, c *conn, tables map[string]tableKeys, name string) error {
	t := tables[name]
	for _, key := range t.keys {
		o.known[reference{table: name, parent: key.parent}] = true
	}
	broken := map[int]int{} // rows by the key's id
	err := c.query(ctx, func(scan func(...any) error) error {
		var id, n int
		err := scan(&id, &n)
		broken[id] = n
		return err
	}, "SELECT fkid, count(*) FROM pragma_foreign_key_check(?, 'main') GROUP BY fkid", name)
	if isPlain(err) {
		o.rows[reference{table: name, defect: classify(err).Message}] = 1
		return nil
	}
	if err != nil || len(broken) == 0 {
		return err
	}
	for _, key := range t.keys {
		if n := broken[key.id]; n > 0 {
			ref := reference{table: name, parent: key.parent}
			o.rows[ref] += n
			o.columns[ref] = t.columns(key.parent)
			if err := c.exec(ctx, o.insert(tables, t, key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// insert is the SQL that records the rows of one key. For a table with rowids foreign_key_check names the rows. For any
// other they are searched for: a comparison whose right side has no affinity uses affinity and collation of the parent's
// column, as a foreign key does.
func (o *orphans) insert(tables map[string]tableKeys, t tableKeys, key foreignKey) string {
	head := fmt.Sprintf("INSERT INTO %s SELECT %s, %s, %s, %s, %s, ", o.table, literal(t.name), literal(key.parent),
		literal(strings.Join(key.from, ", ")), values(key.from), values(t.primary))
	if t.rowid != "" {
		return head + fmt.Sprintf("f.rowid FROM pragma_foreign_key_check(%s, 'main') f JOIN main.%s c ON c.%s = f.rowid WHERE f.fkid = %d",
			literal(t.name), quote(t.name), t.rowid, key.id)
	}
	head += "NULL FROM main." + quote(t.name) + " c WHERE true"
	match := "true"
	to := key.to
	parent, there := tableKeys{}, false
	for name, other := range tables {
		if strings.EqualFold(name, key.parent) {
			parent, there = other, true
		}
	}
	if len(to) == 0 {
		to = parent.primary
	}
	for i, from := range key.from {
		head += " AND c." + quote(from) + " IS NOT NULL"
		if there && i < len(to) {
			match += " AND p." + quote(to[i]) + " = +c." + quote(from)
		}
	}
	if there {
		head += " AND NOT EXISTS (SELECT 1 FROM main." + quote(parent.name) + " p WHERE " + match + ")"
	}
	return head
}

// values is the SQL of a row's values in some columns, as one text.
func values(columns []string) string {
	if len(columns) == 0 {
		return "''"
	}
	all := make([]string, len(columns))
	for i, name := range columns {
		all[i] = "quote(c." + quote(name) + ")"
	}
	return strings.Join(all, " || ',' || ")
}

// literal returns a string literal of SQL.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// beyond returns the references that have rows, or a defect, that were not there before.
func (o *orphans) beyond(ctx context.Context, c *conn, before *orphans) (map[reference]broken, error) {
	worse := map[reference]broken{}
	gone := before.without(o)
	for ref, n := range o.rows {
		b := broken{rows: n, before: before.rows[ref], fresh: n}
		if ref.defect != "" {
			if b.before == 0 {
				worse[ref] = b
			}
			continue
		}
		row, was := "fk", []reference{ref}
		switch _, known := before.rows[ref]; {
		case !known:
			was = gone
			for _, r := range gone {
				b.before += before.rows[r]
			}
		case o.columns[ref] == before.columns[ref]:
			row = "columns || ' ' || fk || ' ' || pk"
		}
		grouped := func(table string, refs ...reference) string {
			pairs := make([]string, len(refs))
			for i, r := range refs {
				pairs[i] = "(" + literal(r.table) + ", " + literal(r.parent) + ")"
			}
			return fmt.Sprintf("(SELECT %s AS x, count(*) AS n, min(rid) AS rid FROM %s WHERE (child, parent) IN (VALUES %s) GROUP BY 1)",
				row, table, strings.Join(pairs, ", "))
		}
		fresh, rowid := (*int)(nil), (*string)(nil)
		err := c.query(ctx, func(scan func(...any) error) error { return scan(&fresh, &rowid) },
			"SELECT sum(a.n - coalesce(b.n, 0)), min(a.rid) FROM "+grouped(o.table, ref)+" a LEFT JOIN "+grouped(before.table, append(was, reference{})...)+" b ON b.x = a.x WHERE a.n > coalesce(b.n, 0)")
		if err != nil {
			return nil, err
		}
		if fresh == nil {
			continue
		}
		b.fresh = *fresh
		if rowid != nil {
			b.rowid = *rowid
		}
		worse[ref] = b
	}
	return worse, nil
}

// without returns the references with rows for which later has no key: the table, its parent or the key was renamed or
// dropped.
func (o *orphans) without(later *orphans) []reference {
	var gone []reference
	for ref := range o.rows {
		if ref.defect == "" && !later.known[ref] {
			gone = append(gone, ref)
		}
	}
	return gone
}

// tableKeys are the keys of a table.
type tableKeys struct {
	name    string
	rowid   string   // a name of its rowid; "" = it has none
	primary []string // columns of the primary key, in its order
	keys    []foreignKey
}

type foreignKey struct {
	id     int
	parent string
	from   []string
	to     []string // empty = the parent's primary key
}

// columns names those of the keys to a parent, and of the primary key.
func (t tableKeys) columns(parent string) string {
	var all []string
	for _, k := range t.keys {
		if k.parent == parent {
			all = append(all, strings.Join(k.from, ","))
		}
	}
	slices.Sort(all)
	return strings.Join(append(all, "", strings.Join(t.primary, ",")), ";")
}

// readTables reads the foreign keys and the primary key of all tables.
func readTables(ctx context.Context, c *conn) (map[string]tableKeys, error) {
	tables := map[string]tableKeys{}
	err := c.query(ctx, func(scan func(...any) error) error {
		var t tableKeys
		var without bool
		err := scan(&t.name, &without)
		if !without {
			t.rowid = "rowid"
		}
		tables[t.name] = t
		return err
	}, "SELECT s.name, l.wr FROM main.sqlite_schema s JOIN pragma_table_list l ON l.name = s.name AND l.schema = 'main' WHERE s.type = 'table' AND l.type = 'table'")
	if err != nil {
		return nil, err
	}
	for name, t := range tables {
		if err := t.read(ctx, c); err != nil {
			return nil, err
		}
		tables[name] = t
	}
	return tables, nil
}

func (t *tableKeys) read(ctx context.Context, c *conn) error {
	var columns []string
	err := c.query(ctx, func(scan func(...any) error) error {
		var name string
		var primary int
		err := scan(&name, &primary)
		columns = append(columns, strings.ToLower(name))
		if primary > 0 {
			t.primary = append(t.primary, name)
		}
		return err
	}, "SELECT name, pk FROM pragma_table_info(?, 'main') ORDER BY pk", t.name)
	if err != nil {
		return err
	}
	if t.rowid != "" {
		for _, word := range []string{"rowid", "_rowid_", "oid"} {
			if t.rowid = ""; !slices.Contains(columns, word) {
				t.rowid = word
				break
			}
		}
	}
	return c.query(ctx, func(scan func(...any) error) error {
		var k foreignKey
		var from string
		var to *string
		if err := scan(&k.id, &k.parent, &from, &to); err != nil {
			return err
		}
		if n := len(t.keys); n == 0 || t.keys[n-1].id != k.id {
			t.keys = append(t.keys, k)
		}
		last := &t.keys[len(t.keys)-1]
		last.from = append(last.from, from)
		if to != nil {
			last.to = append(last.to, *to)
		}
		return nil
	}, `SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?, 'main') ORDER BY id, seq`, t.name)
}
