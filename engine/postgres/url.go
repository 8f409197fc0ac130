package postgres

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// CheckURL checks the form of a postgres:// URL, strictly enough to know where each part begins and ends: otherwise part of a
// password with an unescaped @ or / would be taken for a host, shown in messages and sent to the DNS. It also refuses
// parameters that skein cannot honour. It opens no file and no connection. Its errors hold no part of the text except names
// of known parameters.
func CheckURL(text string) error {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || scheme != "postgres" && scheme != "postgresql" {
		return &URLError{Message: "expected a URL that starts with postgres://", Advice: "for example postgres://app@db.example.com:5432/app"}
	}
	if !separable(rest) {
		return &URLError{Message: "can be read in more than one way", Advice: adviceEscape}
	}
	u, err := url.Parse(oneHost(text))
	if err != nil || u.Opaque != "" {
		return &URLError{Message: "is not a valid URL", Advice: adviceEscape}
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return &URLError{Message: "its parameters cannot be read", Advice: adviceEscape}
	}
	given := map[string]string{}
	for name, values := range params {
		given[name] = values[len(values)-1] // libpq takes the last one, and so does pgx
	}
	_, err = runtimeParams(given)
	return err
}

// URLError says what is wrong with a URL, without quoting it.
type URLError struct {
	Message string
	Advice  string // "" = none
}

func (e *URLError) Error() string {
	if e.Advice == "" {
		return e.Message
	}
	return e.Message + "; " + e.Advice
}

// BadURL returns message and advice. Packages that must not import this one recognise the error by this method.
func (e *URLError) BadURL() (message, advice string) { return e.Message, e.Advice }

const adviceEscape = "write characters such as @ / ? # : % [ ] and spaces of a user or password as %40 %2F %3F %23 %3A %25 %5B %5D %20, or use the key `password`"

var (
	badEscape = regexp.MustCompile(`%(?:[^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)|%00`)
	hostName  = regexp.MustCompile(`^(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})*$`)
)

// separable reports whether there is only one way to read what follows the scheme of a URL.
func separable(rest string) bool {
	outside := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' || r == '\\' }
	if strings.ContainsFunc(rest, outside) || badEscape.MatchString(rest) || strings.Count(rest, "@") > 1 {
		return false
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, beyond := rest[:end], rest[end:]
	if strings.Contains(beyond, "@") {
		return false
	}
	user, hosts, named := strings.Cut(authority, "@")
	if !named {
		user, hosts = "", authority
	}
	if strings.ContainsAny(user, "[]") || strings.Count(user, ":") > 1 {
		return false
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if !isHost(host) {
			return false
		}
	}
	path, query, _ := strings.Cut(beyond, "?")
	if strings.ContainsAny(path, "[]:") || strings.Contains(query, "?") {
		return false
	}
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, is := strings.Cut(pair, "="); pair != "" && (!is || !parameterName.MatchString(name)) {
			return false
		}
	}
	return true
}

var parameterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// isHost reports whether a text is host, host:port, [address] or [address]:port; host and port may be empty.
func isHost(text string) bool {
	name, port := text, ""
	if inner, isV6 := strings.CutPrefix(text, "["); isV6 {
		address, after, closed := strings.Cut(inner, "]")
		zoneless, _, _ := strings.Cut(address, "%25")
		if !closed || net.ParseIP(zoneless) == nil || after != "" && after[0] != ':' {
			return false
		}
		name, port = "", strings.TrimPrefix(after, ":")
	} else {
		name, port, _ = strings.Cut(text, ":")
	}
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	return hostName.MatchString(name)
}

// URLHasPassword reports whether a postgres:// URL contains a password.
func URLHasPassword(text string) bool {
	u, err := url.Parse(oneHost(text))
	if err != nil {
		return false
	}
	_, inline := u.User.Password()
	return inline || u.Query().Has("password")
}

// oneHost reduces a list of hosts, which net/url does not know, to its first (postgres://a:1,b:2/app), and removes a host that
// is a folder (postgres://%2Ftmp/app).
func oneHost(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	hosts := strings.LastIndex(rest[:end], "@") + 1
	first, _, _ := strings.Cut(rest[hosts:end], ",")
	if strings.Contains(first, "%") && !strings.HasPrefix(first, "[") {
		first = ""
	}
	return scheme + "://" + rest[:hosts] + first + rest[end:]
}

// runtimeParams returns the parameters of a URL, service file or environment that go to the server. It refuses those that
// would be silently dropped, and those that would override a required setting. Parameters that pgconn reads itself are left
// out.
func runtimeParams(given map[string]string) (map[string]string, error) {
	keep := map[string]string{}
	for name, v := range given {
		name, low := name, strings.ToLower(name)
		switch rule, known := parameters[low]; {
		case known && rule.read, known && rule.ignore(v):
		case known:
			return nil, &URLError{Message: "the parameter " + low + " has a value that cannot be honoured: " + rule.why, Advice: rule.advice}
		case strings.HasPrefix(low, "pool_"), strings.HasSuffix(low, "_cache_capacity"), low == "default_query_exec_mode": // of pgx's own pool
		case low == "options":
			if err := checkOptions(v); err != nil {
				return nil, err
			}
			keep[name] = v
		default:
			if err := settingError(low, v); err != nil {
				return nil, err
			}
			if !isStartupSetting(low) {
				keep[name] = v
			}
		}
	}
	return keep, nil
}

// checkOptions looks for settings among command line options of the server: -c name=value, -cname=value, --name=value.
func checkOptions(text string) error {
	words := strings.Fields(text) // a value with an escaped space is cut, which its name is not
	for i := 0; i < len(words); i++ {
		setting, isLong := strings.CutPrefix(words[i], "--")
		if !isLong {
			short, isShort := strings.CutPrefix(words[i], "-c")
			if !isShort {
				continue
			}
			if setting = short; setting == "" && i+1 < len(words) {
				i++
				setting = words[i]
			}
		}
		name, value, _ := strings.Cut(setting, "=")
		if err := settingError(strings.ReplaceAll(strings.ToLower(name), "-", "_"), value); err != nil {
			return err
		}
	}
	return nil
}

// parameter says what happens to a parameter that does not go to the server.
type parameter struct {
	read        bool     // pgconn reads it
	harmless    []string // values without effect here; nil = all
	why, advice string   // for the other values
}

func (p parameter) ignore(value string) bool {
	if p.harmless == nil {
		return true
	}
	for _, h := range p.harmless {
		if strings.EqualFold(h, value) {
			return true
		}
	}
	return false
}

// parameters are those of libpq (manual, 34.1.2). Keepalives have fixed values, see newDialer.
var parameters = map[string]parameter{
	"host": {read: true}, "port": {read: true}, "dbname": {read: true}, "database": {read: true}, "user": {read: true},
	"password": {read: true}, "passfile": {read: true}, "connect_timeout": {read: true}, "service": {read: true}, "servicefile": {read: true},
	"sslmode": {read: true}, "sslkey": {read: true}, "sslcert": {read: true}, "sslcertmode": {read: true},
	"sslrootcert": {read: true}, "sslnegotiation": {read: true}, "sslpassword": {read: true}, "sslsni": {read: true},
	"target_session_attrs": {read: true}, "min_protocol_version": {read: true}, "max_protocol_version": {read: true},
	"channel_binding": {read: true}, "require_auth": {read: true}, "krbspn": {read: true}, "krbsrvname": {read: true},

	"application_name": {}, "fallback_application_name": {}, // ours counts: by it skein finds its own sessions
	"keepalives": {}, "keepalives_idle": {}, "keepalives_interval": {}, "keepalives_count": {}, "tcp_user_timeout": {}, "gsslib": {},
	"ssl":                      {harmless: []string{"true"}, why: "it is not libpq's", advice: "write sslmode"},
	"gssencmode":               {harmless: []string{"disable", "prefer"}, why: "connections are not encrypted by GSSAPI", advice: "use sslmode"},
	"gssdelegation":            {harmless: []string{"0"}, why: "credentials are not delegated", advice: "remove it"},
	"sslcompression":           {harmless: []string{"0"}, why: "connections are not compressed", advice: "remove it"},
	"ssl_min_protocol_version": {harmless: []string{"", "TLSv1", "TLSv1.1", "TLSv1.2"}, why: "the least is TLSv1.2", advice: "let the server ask for more by its own ssl_min_protocol_version"},
	"ssl_max_protocol_version": {harmless: []string{"", "TLSv1.3"}, why: "the most is TLSv1.3", advice: "remove it"},
	"load_balance_hosts":       {harmless: []string{"disable"}, why: "hosts are tried in their order", advice: "remove it"},
	"hostaddr":                 {harmless: []string{}, why: "there is no address beside the name", advice: "write the address as host"},
	"sslcrl":                   {harmless: []string{""}, why: "revocation lists are not read", advice: "remove it if you can do without"},
	"sslcrldir":                {harmless: []string{""}, why: "revocation lists are not read", advice: "remove it if you can do without"},
	"requirepeer":              {harmless: []string{""}, why: "the owner of a socket is not checked", advice: "remove it if you can do without"},
	"requiressl":               {harmless: []string{"0"}, why: "it is an old form", advice: "write sslmode=require"},
	"replication":              {harmless: []string{"false", "off", "no", "0"}, why: "SQL cannot be run on such a connection", advice: "remove it"},
	"scram_client_key":         {harmless: []string{}, why: "keys in place of a password are not supported", advice: "use the key `password`"},
	"scram_server_key":         {harmless: []string{}, why: "keys in place of a password are not supported", advice: "use the key `password`"},
	"oauth_issuer":             {harmless: []string{}, why: "OAuth is not supported", advice: "use the key `password`"},
	"oauth_client_id":          {harmless: []string{}, why: "OAuth is not supported", advice: "use the key `password`"},
	"oauth_client_secret":      {harmless: []string{}, why: "OAuth is not supported", advice: "use the key `password`"},
	"oauth_scope":              {harmless: []string{}, why: "OAuth is not supported", advice: "use the key `password`"},
	"sslkeylogfile":            {harmless: []string{}, why: "keys are not logged", advice: "remove it"},
}

// refused puts the key of a URL before an error about it.
func refused(key string, err error) error { return fmt.Errorf("%s: %w", key, err) }
