package postgres

import (
	"slices"
	"strings"
	"testing"
)

// describe puts what was read of a statement into words: uses as kind:name, effects as +kind:name and -kind:name.
func describe(n *statementNames) string {
	var list []string
	for _, u := range n.uses {
		list = append(list, string(u.kind)+":"+u.name)
	}
	for _, e := range n.effects {
		sign := "+"
		if e.gone {
			sign = "-"
		}
		name := e.name
		if e.schema != "" {
			name = e.schema + "." + name
		}
		list = append(list, sign+string(e.kind)+":"+name)
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}

func TestNamesThatAStatementMeans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sql, want string }{
		// Relations.
		{`SELECT plans.id, p.x AS y FROM plans p, public.other`, "r:plans"},
		{`SELECT 1 FROM ONLY Plans`, "r:plans"},
		{`SELECT 1 FROM "Plans"`, "r:Plans"},
		{`TABLE plans`, "r:plans"},
		{`INSERT INTO plans SELECT * FROM public.plans`, "r:plans"},
		{`INSERT INTO a (plans, b) SELECT plans, status FROM c ON CONFLICT (plans) DO UPDATE SET plans = excluded.plans RETURNING plans`, "r:a r:c"},
		{`UPDATE a SET plans = 'plans' FROM b WHERE a.plans = b.plans`, "r:a r:b"},
		{`DELETE FROM a USING b WHERE plans = 1`, "r:a r:b"},
		{`MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN UPDATE SET plans = 1 WHEN NOT MATCHED THEN INSERT (plans) VALUES (2)`, "r:a r:b"},
		{`TRUNCATE a, public.b, c`, "r:a r:c"},
		{`LOCK TABLE a IN SHARE MODE`, "r:a"},
		{`COPY a (plans) FROM STDIN`, "r:a"},
		{`COPY (SELECT * FROM a) TO STDOUT`, "r:a"},
		{`VACUUM (ANALYZE) a (plans)`, "r:a"},
		{`ANALYZE a`, "r:a"},
		{`CLUSTER a USING plans`, "r:a"},
		{`REINDEX INDEX a`, "r:a"},
		{`REFRESH MATERIALIZED VIEW a`, "r:a"},
		{`SELECT * FROM a FOR UPDATE OF plans`, "r:a"},
		{`EXPLAIN SELECT * FROM a`, "r:a"},
		{`DECLARE plans CURSOR FOR SELECT * FROM a`, "r:a"},
		{`PREPARE plans AS SELECT * FROM a`, "r:a"},
		// WITH.
		{`WITH plans AS (SELECT 1) SELECT * FROM plans`, ""},
		{`WITH plans AS (SELECT * FROM plans) SELECT * FROM plans`, "r:plans"},
		{`WITH RECURSIVE plans AS (SELECT 1 UNION ALL SELECT * FROM plans) SELECT * FROM plans`, ""},
		{`WITH plans AS (SELECT 1) INSERT INTO plans SELECT * FROM plans`, "r:plans"},
		{`WITH x AS (SELECT 1), y AS (SELECT * FROM x) SELECT * FROM (SELECT * FROM y) q`, ""},
		{`SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) q, x`, "r:x"},
		{`WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x`, "r:a r:b"},
		{`WITH x AS (SELECT 1) SELECT 1 UNION SELECT * FROM x`, ""},
		// What is made is no use.
		{`CREATE TABLE plans (status int, plans text)`, "+r:plans"},
		{`CREATE TABLE IF NOT EXISTS plans (id serial PRIMARY KEY, n bigserial CONSTRAINT u UNIQUE)`, "+r:plans +r:u"},
		{`CREATE TEMP TABLE plans (a int)`, ""},
		{`CREATE TABLE public.plans (a int)`, "+r:public.plans"},
		{`CREATE TABLE a AS SELECT * FROM b`, "+r:a r:b"},
		{`SELECT * INTO a FROM b`, "+r:a r:b"},
		{`CREATE TABLE a (LIKE b INCLUDING ALL) INHERITS (c)`, "+r:a r:b r:c"},
		{`CREATE TABLE a (b int REFERENCES a, c int REFERENCES public.a)`, "+r:a"},
		{`CREATE TEMP TABLE a (b int REFERENCES a)`, "r:a"},
		{`CREATE TABLE a PARTITION OF b FOR VALUES IN (1)`, "+r:a r:b"},
		{`CREATE TABLE a OF t`, "+r:a t:t"},
		{`CREATE TABLE a (b int REFERENCES c (plans), FOREIGN KEY (b) REFERENCES d)`, "+r:a r:c r:d"},
		{`CREATE TABLE a (s status, t public.status, u status[], v integer, w numeric(3), x timestamptz)`, "+r:a t:status"},
		{`CREATE TABLE a (b int DEFAULT nextval('s'), c text COLLATE k, d int CHECK (f(d) > 0))`, "+r:a c:k f:f f:nextval r:s"},
		{`CREATE TABLE a (r int4range, EXCLUDE USING gist (r cls WITH &&))`, "+r:a O:cls o:&& t:int4range"},
		{`CREATE TABLE a (b int) PARTITION BY RANGE (b k_ops)`, "+r:a O:k_ops"},
		{`CREATE TABLE a (b int) WITH (fillfactor = 70, autovacuum_enabled = off, buffering = auto)`, "+r:a"},
		{`CREATE VIEW plans AS SELECT * FROM a`, "+r:plans r:a"},
		{`CREATE OR REPLACE VIEW v AS SELECT f(x) FROM a`, "+r:v f:f r:a"},
		{`CREATE MATERIALIZED VIEW v AS SELECT * FROM a`, "+r:v r:a"},
		{`CREATE SEQUENCE s AS bigint OWNED BY a.b`, "+r:s r:a"},
		{`CREATE SEQUENCE s OWNED BY NONE`, "+r:s"},
		{`ALTER SEQUENCE s OWNED BY a.b`, "r:a r:s"},
		{`CREATE INDEX plans ON a (lower(b), c k_ops, d COLLATE k) WHERE f(b)`, "+r:plans O:k_ops c:k f:f f:lower r:a"},
		{`CREATE INDEX CONCURRENTLY i ON public.a (b)`, "+r:public.i"},
		{`CREATE UNIQUE INDEX ON a (b)`, "r:a"},
		{`CREATE STATISTICS s ON x, y FROM a`, "+s:s r:a"},
		{`CREATE TYPE t AS ENUM ('plans')`, "+t:t"},
		{`CREATE TYPE t AS (a status)`, "+r:t t:status"},
		{`CREATE TYPE t AS RANGE (subtype = money2, subtype_diff = d, collation = k)`, "+f:t +f:t_multirange +t:t +t:t_multirange c:k f:d t:money2"},
		{`CREATE DOMAIN t AS other CHECK (f(VALUE))`, "+t:t f:f t:other"},
		{`CREATE COLLATION k (locale = 'C', provider = icu)`, "+c:k"},
		{`CREATE COLLATION k FROM m`, "+c:k c:m"},
		{`CREATE AGGREGATE g (int) (SFUNC = f, STYPE = st, INITCOND = '0')`, "+f:g f:f t:st"},
		{`CREATE OPERATOR === (LEFTARG = t, RIGHTARG = t, FUNCTION = f, COMMUTATOR = ===, NEGATOR = !==)`, "+o:=== f:f o:!== t:t"},
		{`CREATE TEXT SEARCH CONFIGURATION g (COPY = other)`, "+g:g g:other"},
		{`CREATE TEXT SEARCH CONFIGURATION g (COPY = pg_catalog.simple)`, "+g:g"},
		{`CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = tm, StopWords = english)`, "+d:d e:tm"},
		{`ALTER TEXT SEARCH CONFIGURATION g ALTER MAPPING FOR word WITH d1, public.d2`, "d:d1 g:g"},
		{`CREATE CONVERSION v FOR 'UTF8' TO 'LATIN1' FROM f`, "+v:v f:f"},
		{`CREATE OPERATOR CLASS c FOR TYPE t USING btree AS OPERATOR 1 ===, FUNCTION 1 f(t, t)`, "+F:c +O:c f:f o:=== t:t"},
		{`CREATE CAST (t AS u) WITH FUNCTION f(t)`, "f:f t:t t:u"},
		{`CREATE FUNCTION f(plans int, b t DEFAULT g(1)) RETURNS TABLE (status int, q u) LANGUAGE sql AS $$ SELECT 1, 2 FROM hidden $$`, "+f:f f:g t:t t:u"},
		{`CREATE FUNCTION f(plans int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT plans FROM a; END`, "+f:f r:a"},
		{`CREATE FUNCTION f(x a.b%TYPE) RETURNS SETOF a LANGUAGE sql AS 'SELECT 1'`, "+f:f r:a t:a"},
		{`CREATE TRIGGER plans AFTER UPDATE OF status ON a FOR EACH ROW WHEN (g(OLD.x)) EXECUTE FUNCTION f('plans')`, "f:f f:g r:a"},
		{`CREATE RULE plans AS ON INSERT TO a DO ALSO INSERT INTO b SELECT new.*`, "r:a r:b"},
		{`CREATE POLICY plans ON a USING (f(x) IN (SELECT y FROM b))`, "f:f r:a r:b"},
		{`CREATE EXTENSION plans`, ""},
		{`CREATE PUBLICATION plans FOR TABLE a`, "r:a"},
		// Altered and dropped.
		{`ALTER TABLE a ADD COLUMN plans t, ADD CONSTRAINT status UNIQUE (plans), DROP COLUMN users, ALTER COLUMN x TYPE u USING f(x)`, "+r:status f:f r:a t:t t:u"},
		{`ALTER TABLE IF EXISTS a ATTACH PARTITION b DEFAULT`, "r:a r:b"},
		{`ALTER TABLE a INHERIT b`, "r:a r:b"},
		{`ALTER TABLE a ENABLE TRIGGER plans`, "r:a"},
		{`ALTER TABLE a RENAME COLUMN plans TO status`, "r:a"},
		{`ALTER TABLE a RENAME TO b`, "+r:b -r:a r:a"},
		{`ALTER TABLE a SET SCHEMA public`, "+r:public.a -r:a r:a"},
		{`ALTER TABLE public.a SET SCHEMA t1`, "+r:t1.a -r:public.a"},
		{`ALTER INDEX a RENAME TO b`, "+r:b -r:a r:a"},
		{`ALTER TYPE t ADD VALUE 'plans'`, "t:t"},
		{`ALTER TYPE t RENAME TO u`, "+t:u -t:t t:t"},
		{`ALTER TYPE t ADD ATTRIBUTE a u`, "r:t t:u"},
		{`ALTER DOMAIN t DROP CONSTRAINT plans`, "t:t"},
		{`ALTER DOMAIN t RENAME CONSTRAINT a TO b`, "t:t"},
		{`ALTER FUNCTION f(t) OWNER TO x`, "f:f t:t"},
		{`ALTER FUNCTION f(int) STABLE`, "f:f"},
		{`ALTER COLLATION k REFRESH VERSION`, "c:k"},
		{`ALTER STATISTICS s SET STATISTICS 100`, "s:s"},
		{`ALTER OPERATOR FAMILY x USING btree ADD OPERATOR 1 === (t, t)`, "F:x o:=== t:t"},
		{`ALTER TABLE a OWNER TO plans`, "r:a"},
		{`DROP TABLE IF EXISTS a, public.b CASCADE`, "-r:a -r:public.b r:a"},
		{`DROP INDEX CONCURRENTLY a`, "-r:a r:a"},
		{`DROP VIEW a`, "-r:a r:a"},
		{`DROP SEQUENCE a`, "-r:a r:a"},
		{`DROP TYPE a`, "-t:a t:a"},
		{`DROP DOMAIN IF EXISTS a`, "-t:a t:a"},
		{`DROP FUNCTION f(t), g`, "f:f f:g t:t"},
		{`DROP AGGREGATE f(*)`, "f:f"},
		{`DROP OPERATOR === (t, NONE)`, "o:=== t:t"},
		{`DROP OPERATOR CLASS a USING btree`, "O:a"},
		{`DROP COLLATION IF EXISTS k`, "-c:k c:k"},
		{`DROP TEXT SEARCH CONFIGURATION IF EXISTS g`, "-g:g g:g"},
		{`DROP STATISTICS s`, "-s:s s:s"},
		{`DROP CONVERSION v`, "-v:v v:v"},
		{`DROP TRIGGER plans ON a`, "r:a"},
		{`DROP RULE plans ON a`, "r:a"},
		{`DROP POLICY plans ON public.a`, ""},
		{`DROP CAST (t AS int)`, "t:t"},
		{`COMMENT ON TABLE a IS 'plans'`, "r:a"},
		{`COMMENT ON COLUMN a.plans IS 'x'`, "r:a"},
		{`COMMENT ON COLUMN public.a.plans IS 'x'`, ""},
		{`COMMENT ON CONSTRAINT plans ON a IS 'x'`, "r:a"},
		{`COMMENT ON CONSTRAINT plans ON DOMAIN t IS 'x'`, "t:t"},
		{`COMMENT ON FUNCTION f(t) IS 'x'`, "f:f t:t"},
		{`COMMENT ON SCHEMA plans IS 'x'`, ""},
		{`GRANT SELECT (plans) ON a TO status`, "r:a"},
		{`GRANT USAGE ON SEQUENCE s TO x`, "r:s"},
		{`GRANT USAGE ON TYPE t TO x`, "t:t"},
		{`GRANT EXECUTE ON FUNCTION f(t) TO x`, "f:f t:t"},
		{`REVOKE ALL ON ALL TABLES IN SCHEMA plans FROM x`, ""},
		{`ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO plans`, ""},
		{`SET CONSTRAINTS plans DEFERRED`, ""},
		// Expressions and strings.
		{`SELECT f(1), public.g(2), lower('plans')`, "f:f f:lower"},
		{`SELECT a === b, c OPERATOR(public.===) d, 1 + 2`, "o:+ o:==="},
		{`SELECT x COLLATE k FROM a ORDER BY x USING <<<`, "c:k o:<<< r:a"},
		{`SELECT 'plans', $$plans$$, E'plans', NULL::status`, "t:status"},
		{`SELECT 'S'::regclass, '"S"'::regclass, 'public.s'::regclass, 'f(int)'::regprocedure, 't[]'::regtype`, "f:f r:S r:s t:regclass t:regprocedure t:regtype t:t"},
		{`SELECT setval('s', 1), pg_get_serial_sequence('a', 'plans'), to_regclass('b'::text)`, "f:pg_get_serial_sequence f:setval f:to_regclass r:a r:b r:s"},
		{`SELECT to_tsvector('g', x), to_tsvector('plans')`, "f:to_tsvector g:g"},
		{`SELECT CASE plans WHEN status THEN 1 END, EXISTS (SELECT FROM a), ARRAY(SELECT b FROM c)`, "r:a r:c"},
		{`SELECT * FROM f(1) AS plans(status int), LATERAL (SELECT 1) users`, "f:f"},
		{`SELECT sum(x) FILTER (WHERE y) OVER w FROM a WINDOW w AS (PARTITION BY plans)`, "f:sum r:a"},
		{`SELECT CAST(x AS status), x::"Status" FROM a AS status`, "r:a t:Status t:status"},
		{`DO $$ BEGIN INSERT INTO plans VALUES (1); END $$`, ""},
		{`SET LOCAL lock_timeout = '1s'`, ""},
	} {
		n := readNames(c.sql)
		var want []string
		for _, w := range strings.Fields(c.want) {
			want = append(want, w)
		}
		slices.Sort(want)
		got := describe(n)
		got = dropBuiltin(got)
		if want := dropBuiltin(strings.Join(want, " ")); n.unread || got != want {
			t.Errorf("%s\n got  %s\n want %s", c.sql, got, want)
		}
	}
}

// dropBuiltin leaves out what the server brings, which is for the facts of a database to say.
func dropBuiltin(said string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(said), func(w string) bool {
		return slices.Contains([]string{"f:lower", "f:nextval", "t:int4range", "t:timestamptz", "t:text", "t:regclass", "t:regtype", "t:regprocedure", "o:+", "o:=", "o:>", "f:sum"}, w)
	}), " ")
}

func TestStatementsThatDoMoreThanTheyShow(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"DO $$ BEGIN END $$":             "opaque",
		"CALL p()":                       "opaque",
		"EXECUTE p":                      "opaque",
		"CREATE EXTENSION citext":        "opaque",
		"SET LOCAL search_path = public": "path",
		"SELECT pg_catalog.set_config('search_path', '', false)": "path",
		"SET SCHEMA 'public'":           "path",
		"SELECT 1":                      "",
		"INSERT INTO a VALUES (1)":      "writes",
		"CREATE TABLE a (b int) WIBBLE": "opaque unread",
	} {
		n := readNames(sql)
		var got []string
		for word, on := range map[string]bool{"opaque": n.opaque, "path": n.path, "writes": n.writes, "unread": n.unread} {
			if on {
				got = append(got, word)
			}
		}
		slices.Sort(got)
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %q, want %q", sql, s, want)
		}
	}
}

func TestAStatementThatCannotBeParsedMeansAllItsWordsButWhatItMakes(t *testing.T) {
	t.Parallel()
	n := readNames(`CREATE TABLE IF NOT EXISTS "My plans" (b status) WIBBLE other`)
	var got []string
	for _, u := range n.uses {
		got = append(got, u.name)
	}
	if !n.unread || slices.Contains(got, "My plans") || !slices.Contains(got, "status") || !slices.Contains(got, "other") {
		t.Errorf("%v", got)
	}
}
