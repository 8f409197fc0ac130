package sqlite

import (
	"context"
	"encoding/json"
)

// notedReference is the form in which the journal keeps a reference of [orphans], without its rows.
type notedReference struct {
	Table   string `json:"table"`
	Parent  string `json:"parent,omitempty"`
	Defect  string `json:"defect,omitempty"`
	Columns string `json:"columns,omitempty"`
}

// references returns the references as JSON, for notedOrphans to read.
func (o *orphans) references() string {
	refs := []notedReference{}
	for ref := range o.rows {
		refs = append(refs, notedReference{ref.table, ref.parent, ref.defect, o.columns[ref]})
	}
	text, _ := json.Marshal(refs) // texts only
	return string(text)
}

// noteOrphans writes the rows without a parent before the first statement into the journal, one a line.
func (j *journal) noteOrphans(ctx context.Context, c *conn) error {
	if j.before == nil {
		return nil
	}
	return c.exec(ctx, `INSERT INTO `+j.table()+` (revision, direction, step, hash, started_at, done_at)
SELECT ?, ?, ? - row_number() OVER (), json_array(child, parent, columns, fk, pk), now, now
FROM `+j.before.table+`, (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)`, j.step.Revision.ID, j.step.Direction, keysStep)
}

// notedOrphans reads them from the journal in a later call.
func (j *journal) notedOrphans(ctx context.Context, c *conn, references string) (*orphans, error) {
	o, err := noOrphans(ctx, c, beforeTable)
	if err != nil {
		return nil, err
	}
	var refs []notedReference
	if err := json.Unmarshal([]byte(references), &refs); err != nil {
		return nil, j.session.db.table.wrong("its table of steps holds " + references)
	}
	for _, r := range refs {
		ref := reference{r.Table, r.Parent, r.Defect}
		o.rows[ref], o.columns[ref] = 1, r.Columns
	}
	if err := c.exec(ctx, `INSERT INTO `+o.table+` SELECT hash ->> 0, hash ->> 1, hash ->> 2, hash ->> 3, hash ->> 4, NULL FROM `+j.table()+
		` WHERE revision = ? AND direction = ? AND step < ?`, j.step.Revision.ID, j.step.Direction, keysStep); err != nil {
		return nil, err
	}
	return o, c.query(ctx, func(scan func(...any) error) error {
		var ref reference
		var n int
		err := scan(&ref.table, &ref.parent, &n)
		o.rows[ref] = n
		return err
	}, `SELECT child, parent, count(*) FROM `+o.table+` GROUP BY 1, 2`)
}
