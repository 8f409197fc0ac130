package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// Whether a statement would make the same index as one that exists, the server has to say: the statement runs on an empty
// copy of the table, in a transaction that is rolled back, and the catalog entries of both indexes are compared.

// isMadeBy reports whether the index is the one that the statement makes. Where that cannot be found out, the error asks the
// operator.
func (o *noTxRun) isMadeBy(ctx context.Context, n int, is indexState, text string, known noTxStatement) (bool, error) {
	results, err := o.conn.query(ctx, "SELECT c.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid "+
		"WHERE i.indexrelid = "+oidText(is.oid)+" AND i.indrelid = pg_catalog.to_regclass("+literal(known.table)+")")
	if err != nil {
		return false, o.statementError(ctx, err)
	}
	if len(results[0].Rows) == 0 {
		return false, nil // of another table
	}
	copied := "pg_temp." + ident(firstValue(results[0]))
	lock := "SET LOCAL lock_timeout = " + milliseconds(wanted(o.work, o.step).lock)
	results, err = o.conn.query(ctx, strings.Join([]string{
		"BEGIN", lock, "CREATE TEMPORARY TABLE " + ident(firstValue(results[0])) + " (LIKE " + known.table + ")", onCopy(text, copied) + "\n",
		"SELECT (" + indexTraits(oidText(is.oid)) + ") IS NOT DISTINCT FROM (" + indexTraits("(SELECT indexrelid FROM pg_catalog.pg_index WHERE indrelid = "+literal(copied)+"::pg_catalog.regclass)") + ")",
		"ROLLBACK",
	}, "; "))
	if err == nil {
		return firstValue(results[4]) == "t", nil
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || isFatal(pg) {
		return false, o.statementError(ctx, err)
	}
	switch e := classify(ctx, pg); e.Class {
	case engine.Data, engine.Revision, engine.Internal, engine.Gone:
		o.conn.rollback(ctx)
		return false, o.journal.doubtful(n)
	}
	return false, o.statementError(ctx, err)
}

// indexTraits selects the properties by which indexes on the same columns differ.
func indexTraits(oid string) string {
	return "SELECT ROW(a.amname, i.indisunique, pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct', i.indnkeyatts, i.indclass::text, i.indcollation::text, i.indoption::text, " +
		"pg_catalog.pg_get_expr(i.indpred, i.indrelid), (SELECT pg_catalog.array_agg(pg_catalog.pg_get_indexdef(i.indexrelid, k, false) ORDER BY k) FROM pg_catalog.generate_series(1, i.indnatts) k)) " +
		"FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE i.indexrelid = " + oid
}

// onCopy is a CREATE INDEX CONCURRENTLY without that word and on another table.
func onCopy(text, table string) string {
	t := &tokens{text: text}
	at := func() int { t.skip(); return len(text) - len(t.text) }
	t.accept("CREATE")
	t.accept("UNIQUE")
	t.accept("INDEX")
	word := at()
	t.accept("CONCURRENTLY")
	rest := at()
	if t.accept("IF") {
		t.accept("NOT")
		t.accept("EXISTS")
	}
	t.name()
	t.accept("ON")
	t.accept("ONLY")
	from := at()
	t.name()
	return text[:word] + text[rest:from] + table + text[len(text)-len(t.text):]
}
