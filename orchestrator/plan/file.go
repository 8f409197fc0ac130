package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// planFormat is the version of the format of plan files.
const planFormat = 2

// planFile is a plan as a file.
type planFile struct {
	Format   int             `json:"format"`
	Checksum string          `json:"checksum"` // "sha256:" and the hash of Plan without white space between its tokens, in hex
	Plan     json.RawMessage `json:"plan"`
}

// FileError says why a file cannot be read as a plan.
type FileError struct {
	Line    int // 1-based; 0 = the whole file
	Message string
	Advice  string
}

func (e *FileError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Message)
	}
	return e.Message
}

// Hint says what to do about it.
func (e *FileError) Hint() string { return e.Advice }

// Position returns the line. The name of the file is "": the caller opened it.
func (e *FileError) Position() (file string, line, col int) { return "", e.Line, 0 }

// Write writes a plan as a file that people review and [Read] reads: JSON with a line for each tenant, and a checksum of all
// of it, the graph and the standing of each tenant included. The checksum shows that the file was edited; it is no signature.
func Write(w io.Writer, p *Plan) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(p); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	text, err := envelope(bytes.TrimSpace(body.Bytes()))
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	if _, err := w.Write(append(formatPlan(text), '\n')); err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// envelope returns the contents of a plan file, without white space as the plan given.
func envelope(plan []byte) ([]byte, error) {
	sum := sha256.Sum256(plan)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(planFile{Format: planFormat, Checksum: "sha256:" + hex.EncodeToString(sum[:]), Plan: plan})
	return bytes.TrimSpace(b.Bytes()), err
}

// Read reads what [Write] wrote. The plan can be shown and compared, see [Plan.Differences], but not run. The error is a
// [*FileError] when the file is not a plan, or was changed in more than white space.
func Read(r io.Reader) (*Plan, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // an editor's
	var file planFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, notPlan(text, err)
	}
	switch {
	case file.Format == 0 || file.Plan == nil:
		return nil, &FileError{Message: "this is not a plan file", Advice: "`Write` writes one"}
	case file.Format != planFormat:
		return nil, &FileError{
			Message: fmt.Sprintf("the plan has format %d, and this skein reads format %d", file.Format, planFormat),
			Advice:  "use the skein that wrote it, or plan again",
		}
	}
	var have, plan bytes.Buffer
	if err := errors.Join(json.Compact(&have, text), json.Compact(&plan, file.Plan)); err != nil {
		return nil, notPlan(text, err)
	}
	want, err := envelope(plan.Bytes())
	if err != nil {
		return nil, notPlan(text, err)
	}
	// Byte for byte: duplicate and unknown keys are changes, too.
	if !bytes.Equal(have.Bytes(), want) {
		return nil, &FileError{
			Message: "the plan was changed after it was written: its checksum does not match",
			Advice:  "a plan is not edited; change what it is made of, such as the selectors, waves, pins or revisions, and write it again",
		}
	}
	return decodePlan(text, plan.Bytes())
}

func decodePlan(text, plan []byte) (*Plan, error) {
	dec := json.NewDecoder(bytes.NewReader(plan))
	dec.DisallowUnknownFields()
	type plain Plan
	var file struct { // with stored cohorts, so that their unknown keys are found, too
		plain
		Cohorts []storedCohort `json:"cohorts"`
	}
	if err := dec.Decode(&file); err != nil {
		return nil, notPlan(text, err)
	}
	p := (*Plan)(&file.plain)
	p.Cohorts = make([]Cohort, len(file.Cohorts))
	for i := range file.Cohorts {
		p.Cohorts[i] = file.Cohorts[i].cohort()
	}
	for _, w := range p.Waves {
		for _, item := range w.Items {
			if item.Cohort < 0 || item.Cohort >= len(p.Cohorts) {
				return nil, notPlan(text, fmt.Errorf("tenant %s has a cohort that is not there", item.Tenant.ID))
			}
		}
	}
	return p, nil
}

// notPlan is the error of a file that is not a plan.
func notPlan(text []byte, err error) error {
	e := &FileError{Message: "this is not a plan file: " + err.Error(), Advice: "`Write` writes one"}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		e.Line = 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
	}
	return e
}
