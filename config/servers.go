package config

import (
	"context"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/engine/postgres"
)

func (b *builder) server(name string) Server {
	at := path{"servers", name}
	s := Server{
		Name:      name,
		URL:       b.secret(at.join("url"), kindURL),
		Password:  b.secret(at.join("password"), kindSecret),
		DirectURL: b.secret(at.join("direct_url"), kindURL),
	}
	s.MaxConnections, _ = (&key{}).parseCount(b.merged.get(at.join("max_connections")))
	where, _ := b.merged.origin(at.join("max_connections"))
	s.KeepsIdle = where < fromFile
	s.SearchPath, s.AutoSearchPath = b.searchPath(at.join("search_path"))
	b.onePassword(at)
	return s
}

// mostConnections is what bounds connections of all kinds; 0 = the default, which bounds those in use.
func (s *Server) mostConnections() int {
	if s.KeepsIdle {
		return 0
	}
	return s.MaxConnections
}

// searchPath returns the schemas, or that they are found out. The list of the file is not among the
// merged values, which are of one word.
func (b *builder) searchPath(at path) (schemas []string, auto bool) {
	where, _ := b.merged.origin(at)
	text := b.merged.get(at)
	if where >= fromEnv && text != "auto" {
		return parseTexts(text), false
	}
	if f := b.field(at); where < fromEnv && f != nil && f.node.Kind == yaml.SequenceNode {
		return f.texts, false
	}
	return nil, true
}

// onePassword complains about a password beside a URL that has one. Only texts of the config itself are
// looked at; where one comes from elsewhere, `password` wins.
func (b *builder) onePassword(at path) {
	urlRank, _ := b.merged.origin(at.join("url"))
	passwordRank, _ := b.source(at.join("password"))
	if urlRank != fromFile || passwordRank != fromFile {
		return
	}
	if postgres.URLHasPassword(b.merged.get(at.join("url"))) {
		b.blame(KindConflict, b.field(at.join("password")), "the URL has a password, too", "keep one of the two")
	}
}

// database returns the database of the server's URL; "" when it names none.
func (s *Server) database(ctx context.Context) (string, error) {
	text, err := s.url(ctx, "url", s.URL)
	if err != nil {
		return "", err
	}
	key := path{"servers", s.Name, "url"}.String()
	c, err := postgres.ParseURL(key, text, "skein")
	if err != nil {
		return "", &Error{Kind: KindSecret, Key: key, Message: strings.TrimPrefix(err.Error(), key+": ")}
	}
	return c.Database, nil
}

// url reads a URL of the server and checks its form, which Load could not do where it stands elsewhere.
func (s *Server) url(ctx context.Context, name string, secret Secret) (string, error) {
	key := path{"servers", s.Name, name}.String()
	if secret.IsZero() {
		return "", &Error{Kind: KindMissing, Key: key, Message: "is required", Advice: "expected a URL such as postgres://app@db.example.com:5432/app"}
	}
	text, err := secret.Value(ctx)
	if err != nil {
		return "", err
	}
	if bad := checkURL(text); bad != nil {
		return "", &Error{Kind: KindSecret, Key: key, Message: bad.message, Advice: bad.advice}
	}
	return text, nil
}
