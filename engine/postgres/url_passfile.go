package postgres

import (
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// exposed refuses a password from a password file that others may read. libpq ignores such a file with a warning (manual,
// 34.16); pgconn does not check.
func exposed(text string, c *pgconn.Config) error {
	if c.Password == "" || os.Getenv("PGPASSWORD") != "" || runtime.GOOS == "windows" {
		return nil
	}
	path := os.Getenv("PGPASSFILE")
	if home, err := os.UserHomeDir(); err == nil && path == "" {
		path = filepath.Join(home, ".pgpass")
	}
	if u, err := url.Parse(oneHost(text)); err == nil && strings.Contains(text, "://") {
		if URLHasPassword(text) {
			return nil
		}
		if named := u.Query().Get("passfile"); named != "" {
			path = named
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil //nolint:nilerr // then the password comes from elsewhere
	}
	bare, err := pgconn.ParseConfig(withoutPassfile(text))
	if err == nil && bare.Password != "" {
		return nil
	}
	return &URLError{Message: "its password is in a password file that others may read, which libpq would not use", Advice: "chmod 600 " + path}
}

// withoutPassfile returns the same URL with an empty password file.
func withoutPassfile(text string) string {
	const none = "passfile=/dev/null"
	if !strings.Contains(text, "://") {
		return text + " " + none
	}
	if strings.Contains(text, "?") {
		return text + "&" + none
	}
	return text + "?" + none
}

// unparsed says what pgconn could not parse, without quoting the text.
func unparsed(err error) error {
	reason := err.Error()
	if i := strings.LastIndex(reason, "`: "); i >= 0 { // what follows the text
		reason = reason[i:]
	}
	for _, known := range []struct{ has, message string }{
		{"failed to read service", "its service is not in the service file, or that cannot be read"},
		{"unable to find service", "its service is not in the service file"},
		{"sslmode is invalid", "its sslmode is none of disable, allow, prefer, require, verify-ca, verify-full"},
		{"unable to read CA file", "the file of sslrootcert cannot be read"},
		{"unable to add CA", "the file of sslrootcert holds no certificate"},
		{"sslkey", "sslcert and sslkey go together, and one of them is missing or cannot be read"},
		{"unable to read cert", "the file of sslcert cannot be read"},
		{"unable to load cert", "sslcert and sslkey do not fit"},
		{"connect_timeout", "its connect_timeout is no number of seconds"},
		{"target_session_attrs", "its target_session_attrs is none of any, read-write, read-only, primary, standby, prefer-standby"},
		{"channel_binding", "its channel_binding is none of disable, prefer, require"},
		{"require_auth", "its require_auth is not a list of methods"},
		{"sslcertmode", "its sslcertmode is none of disable, allow, require"},
		{"invalid port", "its port is no number from 1 to 65535"},
		{"port numbers to", "it has not as many ports as hosts"},
	} {
		if strings.Contains(reason, known.has) {
			return &URLError{Message: known.message}
		}
	}
	return &URLError{Message: "cannot be read", Advice: "expected postgres://user@host:5432/database?sslmode=… or libpq's key=value form"}
}
