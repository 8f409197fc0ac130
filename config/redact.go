package config

import (
	"regexp"
	"strings"
)

var (
	anyURL    = regexp.MustCompile("[A-Za-z][A-Za-z0-9+.-]*://[^\\s\"'`<>]+")
	parameter = regexp.MustCompile(`(?i)((?:password|passwd|pwd|secret|token)=)('[^']*'|[^&\s"']*)`)
)

// RedactURL returns text with every password in it replaced by ***: between user and host of URLs, and in
// parameters such as password=…. The text may be a URL or hold some. It errs on the safe side: of a
// URL whose password has an unescaped @, / or ? too much is hidden rather than too little.
func RedactURL(text string) string {
	if scheme := strings.Index(text, "://"); scheme > 0 && anyURL.FindStringIndex(text) != nil && !strings.ContainsAny(text[:scheme], " \t\n") {
		text = redactOne(text) // a URL from its beginning, whatever its password holds
	}
	text = anyURL.ReplaceAllStringFunc(text, redactOne)
	return parameter.ReplaceAllString(text, "${1}"+hidden)
}

// redactWebURL leaves the scheme and the host of a URL for the web: services put their tokens into the user, the path
// and the query alike.
func redactWebURL(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host := rest[strings.LastIndexByte(rest[:end], '@')+1 : end]
	if beyond := rest[end:]; len(host) == end && (beyond == "" || beyond == "/") {
		return text
	}
	return scheme + "://" + host + "/" + hidden
}

func redactOne(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return text
	}
	colon := strings.IndexByte(rest[:at], ':')
	if colon < 0 {
		return text
	}
	return scheme + "://" + rest[:colon] + ":" + hidden + rest[at:]
}
