package config

import (
	"context"
	"strings"

	"github.com/skeindb/skein/engine/postgres"
)

func (b *builder) server(name string) Server {
	at := func(key string) *field { return b.layers.at(path{"servers", name, key}) }
	url, password, most := at("url"), at("password"), at("max_connections")
	follows := valueOf[searchPath](at("search_path"))
	s := Server{
		Name:           name,
		URL:            valueOf[Secret](url),
		Password:       valueOf[Secret](password),
		DirectURL:      valueOf[Secret](at("direct_url")),
		MaxConnections: valueOf[int](most),
		KeepsIdle:      most.layer == fromDefault,
		SearchPath:     follows.names,
		AutoSearchPath: follows.auto,
	}
	f := b.tree.at("servers").at(name)
	if f != nil && !f.invalid && url == nil && f.at("url") == nil && !b.opts.Offline {
		b.missing(f, f.path.join("url"), f.shape.fields["url"].key)
	}
	// Only values in the file are compared; otherwise `password` wins.
	if url != nil && url.layer == fromFile && password != nil && password.layer == fromFile && postgres.URLHasPassword(url.node.Value) {
		b.errorAtKey(KindConflict, password, "the URL already has a password", "keep one of the two")
	}
	return s
}

// mostConnections returns the limit of all connections; 0 = the default, which limits connections in use.
func (s *Server) mostConnections() int {
	if s.KeepsIdle {
		return 0
	}
	return s.MaxConnections
}

// database returns the database in the server's URL; "" when it has none.
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

// url reads a URL of the server.
func (s *Server) url(ctx context.Context, name string, secret Secret) (string, error) {
	key := path{"servers", s.Name, name}.String()
	if secret.IsZero() {
		return "", &Error{Kind: KindMissing, Key: key, Message: "is required", Advice: "expected a URL such as postgres://app@db.example.com:5432/app"}
	}
	return secret.Value(ctx)
}
