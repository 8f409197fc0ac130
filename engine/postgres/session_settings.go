package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// Settings that change the meaning of SQL or the durability of a commit have the same values in each session, so that a
// revision means the same for all tenants. Three go out as startup parameters, which win over ALTER ROLE and ALTER DATABASE
// and which transaction poolers keep for each client (PgBouncer does for these). The others are looked up once a database;
// each transaction begins with a SET LOCAL for those that deviate.

// startupSettings are the startup parameters of every connection.
var startupSettings = map[string]string{"client_encoding": "UTF8", "standard_conforming_strings": "on", "datestyle": "ISO, MDY"}

// requiredSetting is a setting and its accepted values; the first of them replaces any other value.
type requiredSetting struct {
	name string
	good []string
}

var requiredSettings = []requiredSetting{
	{"array_nulls", []string{"on"}},
	{"backslash_quote", []string{"safe_encoding", "on"}},
	{"bytea_output", []string{"hex"}},
	{"check_function_bodies", []string{"on"}},
	{"event_triggers", []string{"on"}},
	{"extra_float_digits", []string{"1", "2", "3"}},
	{"gin_fuzzy_search_limit", []string{"0"}},
	{"intervalstyle", []string{"postgres"}},
	{"quote_all_identifiers", []string{"off"}},
	{"session_replication_role", []string{"origin"}},
	{"synchronous_commit", []string{"on", "remote_apply"}},
	{"transform_null_equals", []string{"off"}},
	{"xmlbinary", []string{"base64"}},
	{"xmloption", []string{"content"}},
}

// transactionSettings are settings that each transaction sets anyway, with what a user can do instead.
var transactionSettings = map[string]string{
	"search_path":                    "use the key `search_path` of the server, or `schema` of a tenant's record",
	"row_security":                   "skein runs with it off, so that a revision fails rather than passing over rows",
	"default_transaction_isolation":  "skein's transactions are READ COMMITTED",
	"default_transaction_read_only":  "skein's transactions are READ WRITE",
	"default_transaction_deferrable": "skein's transactions are READ COMMITTED READ WRITE",
	"role":                           "connect as the role that is meant",
	"session_authorization":          "connect as the role that is meant",
}

// isStartupSetting reports whether a setting, named in lower case, is a startup parameter of every connection.
func isStartupSetting(name string) bool { _, ok := startupSettings[name]; return ok }

// settingError is the error of a setting in a URL, a service file or the environment that would override a required value; nil
// for an accepted value.
func settingError(name, value string) error {
	good := []string{}
	switch i := slices.IndexFunc(requiredSettings, func(s requiredSetting) bool { return s.name == name }); {
	case i >= 0:
		good = requiredSettings[i].good
	case name == "client_encoding":
		good = []string{"UTF8", "UTF-8", "unicode"}
	case name == "standard_conforming_strings":
		good = []string{"on", "true", "yes", "1"}
	case name == "datestyle":
		good = []string{"ISO, MDY", "ISO,MDY", "ISO"}
	case transactionSettings[name] != "":
		return &URLError{Message: "the setting " + name + " cannot be made in a URL, a service file or the environment", Advice: "remove it: " + transactionSettings[name]}
	default:
		return nil
	}
	if slices.ContainsFunc(good, func(g string) bool { return strings.EqualFold(g, value) }) {
		return nil
	}
	return &URLError{
		Message: "the setting " + name + " would change what revisions mean or whether they last",
		Advice:  "remove it: skein runs with " + name + "=" + good[0],
	}
}

// environment refuses settings in libpq's environment variables that pgconn does not read.
func environment() error {
	for variable, setting := range map[string]string{"PGCLIENTENCODING": "client_encoding", "PGDATESTYLE": "datestyle"} {
		if err := settingError(setting, os.Getenv(variable)); err != nil && os.Getenv(variable) != "" {
			return fmt.Errorf("environment variable %s: %w", variable, err)
		}
	}
	return nil
}

// verify refuses a connection that lost its startup parameters on the way. Behind a pooler the session that runs the queries
// is asked, since the pooler's own greeting may differ.
func (c *conn) verify(ctx context.Context, server string) error {
	names := []string{"client_encoding", "standard_conforming_strings", "DateStyle"}
	got := make([]string, len(names))
	for i, name := range names {
		got[i] = c.pg.ParameterStatus(name)
	}
	if c.endpoint.pooled || slices.Contains(got, "") {
		results, err := c.query(ctx, "SELECT pg_catalog.unnest(ARRAY[pg_catalog.current_setting('client_encoding'), pg_catalog.current_setting('standard_conforming_strings'), pg_catalog.current_setting('datestyle')])")
		if err != nil {
			return err
		}
		got = firstColumn(results[0])
	}
	for i, name := range names {
		want := startupSettings[strings.ToLower(name)]
		if got[i] == want {
			continue
		}
		return &engine.Error{
			Class:   engine.Server,
			Message: fmt.Sprintf("server %s: the session has %s=%s although it was opened with %s: what stands between skein and the server dropped it", server, name, got[i], want),
			Advice:  "let the pooler pass " + name + " on (PgBouncer does, unless ignore_startup_parameters names it), or point the URL at the server",
		}
	}
	return nil
}

// settingsQuery selects the values with which a session begins of the settings in requiredSettings.
func settingsQuery() string {
	names := make([]string, len(requiredSettings))
	for i, s := range requiredSettings {
		names[i] = s.name
	}
	return "SELECT pg_catalog.lower(name), reset_val FROM pg_catalog.pg_settings WHERE pg_catalog.lower(name) = ANY (" + array(names) + "::text[]) ORDER BY 1"
}

// deviation is a setting whose value, made by role, database or server, is not accepted, and the value that replaces it.
type deviation struct{ name, was, want string }

func (d deviation) String() string { return d.name + " = '" + d.want + "'" }

func deviations(rows [][][]byte) []deviation {
	var found []deviation
	for _, r := range rows {
		name, was := string(r[0]), string(r[1])
		for _, s := range requiredSettings {
			if s.name == name && !slices.Contains(s.good, was) {
				found = append(found, deviation{name, was, s.good[0]})
			}
		}
	}
	return found
}

// readDeviations reads the deviations in the connection's database. A role that may not correct session_replication_role or
// event_triggers is refused: its tenants' triggers would not run.
func (s *server) readDeviations(ctx context.Context, c *conn) ([]deviation, error) {
	results, err := c.query(ctx, settingsQuery())
	if err != nil {
		return nil, err
	}
	found := deviations(results[0].Rows)
	for _, d := range found {
		if d.name == "backslash_quote" && c.endpoint.pooled {
			return nil, &engine.Error{
				Class:   engine.Server,
				Message: fmt.Sprintf("server %s, database %s: backslash_quote is %s for this role, and behind a pooler that cannot be set before a message is read", s.name, c.database, d.was),
				Advice:  "ALTER ROLE or ALTER DATABASE … RESET backslash_quote, or point the URL at the server",
			}
		}
		if d.name != "session_replication_role" && d.name != "event_triggers" {
			continue
		}
		err := c.run(ctx, "BEGIN; SET LOCAL "+d.String()+"; ROLLBACK")
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == statePrivilege {
			c.rollback(ctx)
			return nil, &engine.Error{
				Class:   engine.Server,
				Message: fmt.Sprintf("server %s, database %s: %s is %s for this role, which may not set it back: triggers and foreign keys would not be run", s.name, c.database, d.name, d.was),
				Advice:  "ALTER ROLE or ALTER DATABASE … RESET " + d.name + ", or GRANT SET ON PARAMETER " + d.name + " TO the role",
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// assignments lists the assignments, without SET LOCAL or SET, that each transaction in the database begins with; nil in ordinary
// databases.
func (d *database) assignments() []string { return assignments(d.deviations) }

func assignments(found []deviation) []string {
	var sets []string
	for _, s := range found {
		sets = append(sets, s.String())
	}
	return sets
}

// setBackslashQuote makes the server parse string constants of the next message as required. It parses a message as a whole before the
// first statement runs, so that a SET in the same message is too late.
func (c *conn) setBackslashQuote(ctx context.Context, found []deviation) error {
	for _, d := range found {
		if d.name == "backslash_quote" {
			return c.run(ctx, "SET "+d.String())
		}
	}
	return nil
}

// knownDeviations returns the deviations in the connection's database: those that are known, or else read now.
func (db *DB) knownDeviations(ctx context.Context, srv *server, c *conn) ([]deviation, error) {
	db.mu.Lock()
	d := db.databases[dbKey{srv.name, c.database}]
	db.mu.Unlock()
	if d != nil {
		return d.deviations, nil
	}
	return srv.readDeviations(ctx, c)
}
