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
	streamFrom = 1 << 20  // bytes of a message from which on it is sent piece by piece
	streamStep = 64 << 10 // bytes that are copied at a time then
)

// stream is the way from pgconn to the server. A query that is armed goes out in the place of an empty one, piece by
// piece, so that tenants that run the same long body share its text: pgconn itself copies a query as a whole.
//
// It is used by the goroutine that uses the connection.
type stream struct {
	to    io.Writer
	query []string // to be sent in place of the next message; nil = none
}

// streamed lets the connections of a config have a stream, and returns where that of the next one is to be found.
func streamed(cfg *pgconn.Config) **stream {
	made := new(*stream)
	cfg.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		*made = &stream{to: w}
		return pgproto3.NewFrontend(r, *made)
	}
	return made
}

// emptyQuery is what pgconn writes for one.
var emptyQuery = []byte{'Q', 0, 0, 0, 5, 0}

// Write implements [io.Writer]. Of a query that was cut off it reports what was written of it, so that nobody takes
// it for one that was never begun.
func (s *stream) Write(message []byte) (int, error) {
	if s.query == nil || !bytes.Equal(message, emptyQuery) {
		return s.to.Write(message)
	}
	query := s.query
	s.query = nil
	size := 4 + lengths(query) + 1
	counted := &counter{to: s.to}
	out := bufio.NewWriterSize(counted, streamStep)
	_ = out.WriteByte('Q') // errors stay until Flush
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
	c.stream.query = nil // where nothing was sent
	return reader
}

func lengths(texts []string) int {
	n := 0
	for _, text := range texts {
		n += len(text)
	}
	return n
}
