package discover

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"

	"github.com/skeindb/skein/tenant"
)

// decodeCSV reads a table with a header row. A row of the wrong length does not keep later mistakes from being found.
func decodeCSV(name string, data []byte) ([]Record, error) {
	reader := csv.NewReader(bytes.NewReader(data))
	reader.ReuseRecord = true
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, csvError(name, err)
	}
	header = append([]string(nil), header...)
	line, _ := reader.FieldPos(0)
	if errs := checkColumns(header, tenant.Position{File: name, Line: line}); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var records []Record
	var errs []error
	for {
		row, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			return records, errors.Join(errs...)
		case errors.Is(err, csv.ErrFieldCount):
			line, _ := reader.FieldPos(0)
			errs = append(errs, errorAt(tenant.Position{File: name, Line: line}, "",
				"the row has %d fields, but the header has %d", len(row), len(header)))
			continue
		case err != nil:
			return nil, errors.Join(append(errs, csvError(name, err))...)
		}
		line, _ := reader.FieldPos(0)
		record := Record{Position: tenant.Position{File: name, Line: line}}
		for i, value := range row {
			record.set(header[i], value)
		}
		records = append(records, record)
	}
}

func csvError(name string, err error) error {
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return &tenant.Error{
			File: name, Line: parse.Line, Col: parse.Column, Message: parse.Err.Error(), Err: err,
			Advice: `a field with quotes or commas stands in double quotes, and quotes in it are doubled: "a ""b"" c"`,
		}
	}
	return &tenant.Error{File: name, Message: err.Error(), Err: err}
}
