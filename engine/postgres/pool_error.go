package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// connectError says why there is no connection, the cause first, without a password in the text or in what it unwraps to (a
// pgconn.ConnectError holds its whole Config). pgconn writes a text for each attempt, with TLS and without, at each address
// of a host; here each cause stands once. The error is the same for all databases of the server, unless it is about one of
// them. CheckURL has made sure that neither user, nor database, nor address is part of a password.
func (s *server) connectError(ctx context.Context, by *pgconn.Config, database string, err error) *engine.Error {
	if ctx.Err() != nil {
		return classify(ctx, ctx.Err())
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		e := *classify(ctx, pg)
		e.Message = "server " + s.name + ": " + oneLine(messageOf(pg))
		e.Advice = s.refusedAdvice(by, database, pg, e.Advice)
		return &e
	}
	text, hint := s.noAnswer(by, err)
	cause := root(err)
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		cause = certificate
	}
	e := *classify(ctx, &plainError{text: text, cause: cause})
	e.Message = "server " + s.name + ": " + text
	if e.Class == engine.Connection {
		e.Advice = hint
	}
	return &e
}

// noAnswer says why the server did not answer, and what to do about it.
func (s *server) noAnswer(by *pgconn.Config, err error) (text, hint string) {
	key := s.urlKey(by)
	if name, ok := errors.AsType[*net.DNSError](err); ok && name.IsNotFound {
		return causes(err), "correct the host in " + key + ", or what resolves its name"
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s from %s", by.ConnectTimeout, addresses(by)),
			"is the machine up, and does a firewall let us through? The address is that of " + key + "; connect_timeout in it allows longer"
	}
	text = causes(err)
	if strings.Contains(text, "refused TLS") {
		return text, "sslmode in " + key + " asks for TLS, which the server does not offer"
	}
	return text + " at " + addresses(by), "is PostgreSQL running there, and is the address right? It is that of " + key
}

// refusedAdvice says what to do about a server that answered and refused the connection.
func (s *server) refusedAdvice(by *pgconn.Config, database string, pg *pgconn.PgError, other string) string {
	switch pg.Code {
	case stateNoDatabase:
		if database == by.Database {
			return "correct the database in " + s.urlKey(by) + ", or create it"
		}
		return "correct its name where the tenants are listed, or create it; if it was dropped since, run again"
	case statePrivilege:
		return fmt.Sprintf("GRANT CONNECT ON DATABASE %s TO %s; or leave the database out of the source of tenants", ident(database), ident(by.User))
	}
	return other
}

// urlKey names the place that the URL of a connection comes from.
func (s *server) urlKey(by *pgconn.Config) string {
	if variable, ok := strings.CutPrefix(s.name, "$"); ok {
		return "the environment variable " + variable
	}
	if by == s.direct {
		return "servers." + s.name + ".direct_url"
	}
	return "servers." + s.name + ".url"
}

// addresses lists the hosts of a URL with their ports, each once.
func addresses(c *pgconn.Config) string {
	var all []string
	add := func(host string, port uint16) {
		_, at := pgconn.NetworkAddress(host, port)
		if !slices.Contains(all, at) {
			all = append(all, at)
		}
	}
	add(c.Host, c.Port)
	for _, f := range c.Fallbacks {
		add(f.Host, f.Port)
	}
	return strings.Join(all, ", ")
}

// causes lists the innermost errors of all attempts, each once, in words that do not depend on the system.
func causes(err error) string {
	var all []string
	var collect func(error)
	collect = func(err error) {
		if text := plainText(err); text != "" {
			if !slices.Contains(all, text) {
				all = append(all, text)
			}
			return
		}
		switch x := err.(type) { //nolint:errorlint // to unwrap is what it does
		case interface{ Unwrap() []error }:
			for _, e := range x.Unwrap() {
				collect(e)
			}
			return
		case interface{ Unwrap() error }:
			if inner := x.Unwrap(); inner != nil {
				collect(inner)
				return
			}
		}
		if text := oneLine(err.Error()); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	collect(err)
	return strings.Join(all, "; ")
}

// plainText is the text of an error that says enough without its cause; "" for others.
func plainText(err error) string {
	switch x := err.(type) { //nolint:errorlint // what is beneath is looked at next
	case *net.DNSError:
		if x.IsNotFound {
			return "unknown host " + x.Name
		}
		return "the name " + x.Name + " cannot be resolved: " + x.Err
	case syscall.Errno:
		switch {
		case errors.Is(x, syscall.ECONNREFUSED):
			return "connection refused"
		case errors.Is(x, fs.ErrNotExist):
			return "there is no such socket"
		}
	}
	return ""
}

// plainError has our own text and a cause that holds no secret.
type plainError struct {
	text  string
	cause error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.cause }

// root returns the innermost error, below those that carry a configuration.
func root(err error) error {
	for {
		switch x := err.(type) { //nolint:errorlint // to unwrap is what it does
		case interface{ Unwrap() error }:
			inner := x.Unwrap()
			if inner == nil {
				return err
			}
			err = inner
		case interface{ Unwrap() []error }:
			if len(x.Unwrap()) == 0 {
				return err
			}
			err = x.Unwrap()[0]
		default:
			return err
		}
	}
}
