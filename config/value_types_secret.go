package config

import (
	"errors"
	"net/url"
	"strings"

	"github.com/skeindb/skein/engine/postgres"
)

// The values of these types are Secrets. See secret_source.go for the forms env, file and exec.

const elsewhere = "{env: …}, {file: …} or {exec: […]}"

func secrets(parse func(string) *problem, name, expected string, show func(string) string) *valueType {
	t := texts(func(raw string) (any, *problem) { return raw, parse(raw) }, name+", "+elsewhere, expected+", or one of {env: NAME}, {file: PATH}, {exec: [COMMAND, …]}")
	t.secret = show
	return t
}

// secret is any text.
func secret() *valueType {
	return secrets(func(string) *problem { return nil }, "text", "text", func(string) string { return hidden })
}

// serverURL is the URL of a PostgreSQL server.
func serverURL() *valueType { return secrets(checkURL, "URL", "a URL", RedactURL) }

// checkURL checks the form and the parameters of a URL of PostgreSQL. The problem contains no part of it.
func checkURL(raw string) *problem {
	if bad, ok := errors.AsType[*postgres.URLError](postgres.CheckURL(raw)); ok {
		return &problem{bad.Message, bad.Advice}
	}
	return nil
}

// store is a path or the URL of a PostgreSQL server.
func store() *valueType {
	return secrets(func(raw string) *problem {
		if strings.Contains(raw, "://") {
			return checkURL(raw)
		}
		return nil
	}, "path, URL", "a path or a URL", RedactURL)
}

// webURL is an http:// or https:// URL.
func webURL() *valueType {
	return secrets(checkWebURL, "web URL", "a URL that starts with https:// or http://", redactWebURL)
}

// checkWebURL checks the form of a web URL. The problem contains no part of it, since paths and queries hold tokens, too.
func checkWebURL(raw string) *problem {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return &problem{"expected a URL that starts with https:// or http://", ""}
	}
	if !unambiguous(rest) {
		return &problem{"can be read in more than one way", adviceEscape + "; and a later @ as %40"}
	}
	if u, err := url.Parse(raw); err != nil || u.Hostname() == "" {
		return &problem{"is not a valid URL", adviceEscape}
	}
	return nil
}

const adviceEscape = "percent-encode characters such as # / ? @ % in a password: %23 %2F %3F %40 %25"

// unambiguous reports whether the host of a web URL is certain. An @ after what looks like the port may end a password that
// contains / or ?, and part of the password would be sent to the DNS.
func unambiguous(rest string) bool {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, beyond := rest[:end], rest[end:]
	return strings.Count(authority, "@") <= 1 && (!strings.ContainsAny(authority, ":@") || !strings.Contains(beyond, "@"))
}
