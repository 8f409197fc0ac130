package postgres

import (
	"context"
	"slices"
	"strings"
)

// Unusual is a setting or an encoding that most servers do not have, and what it means for revisions.
type Unusual struct {
	Where     string // server; or database, role, role … in database … with their names
	Name      string // of a setting; "encoding" for that of a database
	Value     string
	Overruled bool   // skein's sessions run with another value
	Note      string // what it means for revisions
}

// surprising are settings that sessions keep, or that belong to the server, with what they mean.
var surprising = map[string]string{
	"timezone":                    "it stays: times without a zone are read in it",
	"timezone_abbreviations":      "it stays: abbreviations of zones are read by it",
	"default_tablespace":          "it stays: what revisions create goes there",
	"temp_tablespaces":            "it stays",
	"default_table_access_method": "it stays: tables that revisions create are of it",
	"default_text_search_config":  "it stays: text search means it",
	"lc_numeric":                  "it stays: to_char writes numbers by it",
	"lc_time":                     "it stays: to_char writes names of days and months by it",
	"lc_monetary":                 "it stays: money is read by it",
	"escape_string_warning":       "it stays",
	"log_statement":               "it stays: the server's log has the text of revisions, and what they hold",
	"role":                        "it stays: what revisions create belongs to that role",
	"local_preload_libraries":     "it stays: a library acts on each session",
	"session_preload_libraries":   "it stays: a library acts on each session",
}

// unusualQuery selects the settings by role and database, the databases with an encoding other than UTF-8, and the settings of
// the server itself.
func unusualQuery() string {
	return `SELECT CASE WHEN d.oid IS NULL THEN 'role ' || r.rolname WHEN r.oid IS NULL THEN 'database ' || d.datname
	ELSE 'role ' || r.rolname || ' in database ' || d.datname END, pg_catalog.split_part(c, '=', 1), pg_catalog.substr(c, pg_catalog.strpos(c, '=') + 1)
FROM pg_catalog.pg_db_role_setting s CROSS JOIN pg_catalog.unnest(s.setconfig) c
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
WHERE s.setrole = 0 OR r.rolname = session_user
UNION ALL SELECT 'database ' || datname, 'encoding', pg_catalog.pg_encoding_to_char(encoding) FROM pg_catalog.pg_database
WHERE datallowconn AND NOT datistemplate AND pg_catalog.pg_encoding_to_char(encoding) <> 'UTF8'
UNION ALL SELECT 'server', name, reset_val FROM pg_catalog.pg_settings
WHERE source IN ('configuration file', 'command line', 'environment variable', 'global') AND context <> 'internal'
ORDER BY 1, 2`
}

// readUnusual fills in Health.Unusual. A setting of the server's configuration file counts only where most files have another
// value.
func (s *server) readUnusual(ctx context.Context, h *Health) error {
	r, err := s.query(ctx, s.database, unusualQuery())
	if err != nil {
		return err
	}
	h.Unusual = []Unusual{}
	for _, row := range r.Rows {
		if u, is := unusual(string(row[0]), string(row[1]), string(row[2])); is {
			h.Unusual = append(h.Unusual, u)
		}
	}
	return nil
}

func unusual(where, name, value string) (Unusual, bool) {
	low := strings.ToLower(name)
	u := Unusual{Where: where, Name: name, Value: value}
	runsWith := func(good string) (Unusual, bool) {
		u.Overruled, u.Note = true, "skein runs with "+good
		return u, true
	}
	if i := slices.IndexFunc(requiredSettings, func(s requiredSetting) bool { return s.name == low }); i >= 0 {
		if slices.Contains(requiredSettings[i].good, value) {
			return u, false
		}
		if low == "session_replication_role" || low == "event_triggers" {
			u.Overruled, u.Note = true, "triggers do not run by it: skein runs with "+requiredSettings[i].good[0]+" where the role may set that, and refuses the database where it may not"
			return u, true
		}
		return runsWith(requiredSettings[i].good[0])
	}
	onServer := where == "server"
	switch {
	case isStartupSetting(low):
		if settingError(low, value) == nil || onServer && low == "datestyle" {
			return u, false
		}
		return runsWith(startupSettings[low])
	case transactionSettings[low] != "" && low != "role" && !onServer:
		if low == "search_path" {
			return runsWith("the tenant's schema and the key `search_path`")
		}
		u.Overruled, u.Note = true, transactionSettings[low]
		return u, true
	case low == "encoding" && value == "SQL_ASCII":
		u.Note = "the server neither checks nor converts text, and keeps its bytes as they come"
	case low == "encoding":
		u.Note = "a revision with a character that it lacks fails there"
	case (low == "fsync" || low == "full_page_writes") && value == "off":
		u.Note = "a crash of the machine can damage or lose what was committed"
	case low == "log_statement" && value == "none":
		return u, false
	case surprising[low] != "" && (!onServer || low == "log_statement"):
		u.Note = surprising[low]
	default:
		return u, false
	}
	return u, true
}
