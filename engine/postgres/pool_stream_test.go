package postgres

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

func TestStreamSendsAnArmedQueryInPlaceOfAnEmptyOne(t *testing.T) {
	t.Parallel()
	texts := []string{"BEGIN", ";\n", strings.Repeat("SELECT 'ä';", streamStep/5), ";\n", "COMMIT"}
	var plain, streamed bytes.Buffer
	one := pgproto3.NewFrontend(nil, &plain)
	one.SendQuery(&pgproto3.Query{String: strings.Join(texts, "")})
	if err := one.Flush(); err != nil {
		t.Fatal(err)
	}
	s := &stream{to: &streamed, query: texts}
	two := pgproto3.NewFrontend(nil, s)
	two.SendQuery(&pgproto3.Query{})
	if err := two.Flush(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(plain.Bytes(), streamed.Bytes()) {
		t.Errorf("%d bytes in one, %d in pieces, and they differ", plain.Len(), streamed.Len())
	}
	two.SendQuery(&pgproto3.Query{}) // nothing is armed any more
	two.Send(&pgproto3.Terminate{})
	if err := two.Flush(); err != nil || !bytes.HasSuffix(streamed.Bytes(), append(bytes.Clone(emptyQuery), 'X', 0, 0, 0, 4)) {
		t.Errorf("what follows is changed: %v", err)
	}
}

// pgconn takes an error after no byte for a query that may be sent again.
func TestStreamTellsWhetherSomethingWasSent(t *testing.T) {
	t.Parallel()
	for room, want := range map[int]bool{0: true, 10: false, streamStep + 10: false} {
		s := &stream{to: &narrow{room}, query: []string{strings.Repeat("x", 3*streamStep)}}
		f := pgproto3.NewFrontend(nil, s)
		f.SendQuery(&pgproto3.Query{})
		err := f.Flush()
		var safe interface{ SafeToRetry() bool }
		if !errors.As(err, &safe) || safe.SafeToRetry() != want {
			t.Errorf("cut off after %d bytes: %v", room, err)
		}
	}
}

// narrow takes so many bytes.
type narrow struct{ room int }

func (n *narrow) Write(b []byte) (int, error) {
	if len(b) <= n.room {
		n.room -= len(b)
		return len(b), nil
	}
	took := n.room
	n.room = 0
	return took, errors.New("no room")
}

func TestMessageThatIsTooLargeSaysWhereAndWhatToDo(t *testing.T) {
	t.Parallel()
	long := "SELECT '" + strings.Repeat("x", 50<<10) + "'"
	small := step(t, "a1", "SELECT 1", "", revision.Options{}, revision.Up)
	big := step(t, "b2", "SELECT 1;\n"+long, "", revision.Options{}, revision.Up)
	db := &DB{cfg: Config{MaxMessage: 40 << 10}}
	for _, test := range []struct {
		parts  []engine.Part
		first  int    // parts that fit
		advice string // "" = no error
	}{
		{[]engine.Part{{Steps: []engine.Step{small}}, {Steps: []engine.Step{big}}}, 1, ""},
		{[]engine.Part{{Steps: []engine.Step{big}}, {Steps: []engine.Step{small}}}, 1, "divide the section"},
		{[]engine.Part{{Steps: []engine.Step{small, big}}}, 1, "own-transaction`, so that it is sent by itself"},
	} {
		work := &engine.Work{Tool: "skein", Parts: test.parts}
		a := &applier{session: &session{db: db}, work: work, bodies: db.effects.bodies(work)}
		if n := a.fitting(work.Parts); n != test.first {
			t.Errorf("%d parts fit, want %d", n, test.first)
		}
		work.Parts = work.Parts[:test.first]
		c := compose(t, work, true)
		e := a.tooLarge(&c.message)
		switch {
		case test.advice == "" && e != nil:
			t.Errorf("%+v", e)
		case test.advice == "":
		case e == nil || e.Class != engine.Revision || e.Revision != "b2" || e.Line != 8 || !strings.Contains(e.Advice, test.advice):
			t.Errorf("%+v", e)
		}
	}
}
