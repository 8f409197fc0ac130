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
// parameters such as password=…. The text may be a URL or contain some. It rather hides too much than too little of a URL
// whose password contains an unescaped @, / or ?.
func RedactURL(text string) string {
	if scheme := strings.Index(text, "://"); scheme > 0 && anyURL.FindStringIndex(text) != nil && !strings.ContainsAny(text[:scheme], " \t\n") {
		text = redactOne(text) // the whole text is a URL, whatever its password contains
	}
	text = anyURL.ReplaceAllStringFunc(text, redactOne)
	return parameter.ReplaceAllString(text, "${1}"+hidden)
}

// redactWebURL returns only scheme and host of a web URL: services put tokens into the user, the path and the query.
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
