package pgtest

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

//go:embed dump.sql
var dumpQuery string

// Dump returns the structure of a schema as sorted lines, free of the schema's name: relations, columns, defaults,
// constraints, indexes, sequences, views, functions, triggers, policies, types, grants and comments. Two
// schemas have the same structure if their dumps are equal. skein's own tables do not appear; data and the
// state of sequences do not either.
//
// The column order is not part of it, because an upgrade and a creation may differ in that.
func Dump(t testing.TB, url, schema string) string {
	t.Helper()
	return DumpAll(t, url, []string{schema})[schema]
}

// DumpAll is [Dump] for many schemas of one database. A schema that does not exist fails the test.
func DumpAll(t testing.TB, url string, schemas []string) map[string]string {
	t.Helper()
	const chunk, width = 100, 2 // deparse functions hold a lock a view, and the server's caches grow with the schemas
	chunks := slices.Collect(slices.Chunk(schemas, chunk))
	parts := make([]map[string]string, len(chunks))
	var group errgroup.Group
	group.SetLimit(width)
	for k, names := range chunks {
		group.Go(func() error {
			var err error
			parts[k], err = dumpChunk(url, names)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatalf("pgtest: dump: %v", err)
	}
	all := make(map[string]string, len(schemas))
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

func dumpChunk(url string, schemas []string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SET search_path = ''; SET jit = off"); err != nil {
		return nil, err
	}
	there, err := queryText(ctx, conn, "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1::text[])", schemas)
	if err != nil {
		return nil, err
	}
	lines := make(map[string][]string, len(schemas))
	for _, row := range there {
		lines[row[0]] = nil
	}
	for _, schema := range schemas {
		if _, ok := lines[schema]; !ok {
			return nil, fmt.Errorf("there is no schema %s", Quote(schema))
		}
	}
	rows, err := queryText(ctx, conn, dumpQuery, schemas)
	if err != nil {
		return nil, err
	}
	objects := make(map[string]map[string]bool, len(schemas))
	for _, row := range rows {
		schema, line := row[0], row[1]
		if name, ok := strings.CutPrefix(line, "name|"); ok {
			if objects[schema] == nil {
				objects[schema] = map[string]bool{}
			}
			objects[schema][name] = true
			continue
		}
		lines[schema] = append(lines[schema], line)
	}
	dumps := make(map[string]string, len(lines))
	for schema, lines := range lines {
		strip := newStripper(schema, objects[schema])
		for k := range lines {
			lines[k] = strip.line(lines[k])
		}
		slices.Sort(lines)
		dumps[schema] = strings.Join(lines, "\n")
	}
	return dumps, nil
}
