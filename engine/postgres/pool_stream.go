package postgres

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	streamFrom = 1 << 20  // bytes from which on a message is sent piece by piece
	streamStep = 64 << 10 // bytes that are then copied at a time
)

// stream writes from pgconn to the server. A query that is set goes out in place of an empty one, piece by piece, so that
// tenants that run the same long body share its text: pgconn itself copies a query as a whole.
//
// It is used by the goroutine that uses the connection.
type stream struct {
	to    io.Writer
	query []string // sent in place of the next message; nil = none
}

// streamed gives the connections of a config a stream, and returns where that of the next connection will be stored.
func streamed(cfg *pgconn.Config) **stream {
	made := new(*stream)
	cfg.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		*made = &stream{to: w}
		return pgproto3.NewFrontend(r, *made)
	}
	return made
}

// emptyQuery is what pgconn writes for an empty query.
var emptyQuery = []byte{'Q', 0, 0, 0, 5, 0}

// Write implements [io.Writer]. For a query that was cut off it reports what was written of it, so that it is not taken
// for one that was never begun.
func (s *stream) Write(message []byte) (int, error) {
	if s.query == nil || !bytes.Equal(message, emptyQuery) {
		return s.to.Write(message)
	}
	query := s.query
	s.query = nil
	size := 4 + lengths(query) + 1
	counted := &counter{to: s.to}
	out := bufio.NewWriterSize(counted, streamStep)
	_ = out.WriteByte('Q') // Flush returns the first error
	_, _ = out.Write(binary.BigEndian.AppendUint32(nil, uint32(size)))
	for _, text := range query {
		_, _ = out.WriteString(text)
	}
	_ = out.WriteByte(0)
	if err := out.Flush(); err != nil {
		return min(counted.n, len(message)), err
	}
	return len(message), nil
}

// counter counts what it passes on.
type counter struct {
	to io.Writer
	n  int
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.n += n
	return n, err
}

// exec sends the texts as one message.
func (c *conn) exec(ctx context.Context, texts ...string) *pgconn.MultiResultReader {
	if lengths(texts) < streamFrom || c.stream == nil {
		return c.pg.Exec(ctx, strings.Join(texts, ""))
	}
	c.stream.query = texts
	reader := c.pg.Exec(ctx, "")
	c.stream.query = nil // in case nothing was sent
	return reader
}

func lengths(texts []string) int {
	n := 0
	for _, text := range texts {
		n += len(text)
	}
	return n
}
