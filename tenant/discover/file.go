package discover

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/skeindb/skein/tenant"
)

// File reads tenants from a file, by the ending of its name:
//
//	.csv            RFC 4180 with a header row; the columns are those of a [Query]
//	.json           an array of objects in the form of the JSON that skein lists tenants in
//	.jsonl .ndjson  such an object a line
//	.yaml .yml      a list of such objects
//
// Numbers and booleans stand for their text; null and empty mean not set. The text is UTF-8, with or without
// a byte order mark. Errors name file and line.
type File struct {
	Name string // name of the source, else its 1-based index
	Path string // relative to the config's folder; required
	Defaults
}

type file struct {
	spec   File
	env    Env
	path   string // as messages show it, and as it is opened
	decode func(name string, data []byte) ([]Record, error)
}

// formats are the ways to read a file, by the ending of its name.
var formats = map[string]func(name string, data []byte) ([]Record, error){
	".csv":    decodeCSV,
	".json":   decodeJSON,
	".jsonl":  decodeJSONLines,
	".ndjson": decodeJSONLines,
	".yaml":   decodeYAML,
	".yml":    decodeYAML,
}

// NewFile returns the source. It does not open the file.
func NewFile(spec File, env Env) (tenant.Source, error) {
	f := &file{spec: spec, env: env, path: filepath.FromSlash(spec.Path)}
	if !filepath.IsAbs(f.path) {
		f.path = filepath.Join(env.Dir, f.path)
	}
	var errs []error
	if f.decode = formats[strings.ToLower(filepath.Ext(spec.Path))]; f.decode == nil {
		errs = append(errs, &tenant.Error{
			Source: spec.Name, Message: fmt.Sprintf("file %q: the format is not known by its name", spec.Path),
			Advice: "the name ends in one of " + strings.Join(slices.Sorted(maps.Keys(formats)), ", "),
		})
	}
	if err := spec.Defaults.check(env); err != nil {
		errs = append(errs, named(spec.Name, err))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return f, nil
}

func (f *file) Name() string { return f.spec.Name }

func (f *file) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
	data, err := os.ReadFile(f.path)
	if err != nil {
		return nil, nil, &tenant.Error{Message: err.Error(), Err: err}
	}
	if data, err = plainText(f.path, data); err != nil {
		return nil, nil, err
	}
	records, err := f.decode(f.path, data)
	if err != nil {
		return nil, nil, err
	}
	if len(records) == 0 {
		return nil, nil, errorAt(tenant.Position{File: f.path}, "", "lists no tenant")
	}
	return f.env.tenants(ctx, f.spec.Name, f.spec.Defaults, records)
}

// plainText removes a byte order mark and refuses what is not UTF-8.
func plainText(name string, data []byte) ([]byte, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if utf8.Valid(data) {
		return data, nil
	}
	valid := 0
	for valid < len(data) {
		r, size := utf8.DecodeRune(data[valid:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		valid += size
	}
	return nil, errorAt(tenant.Position{File: name, Line: lineAt(data, valid)}, "save the file as UTF-8", "not UTF-8")
}

// lineAt returns the 1-based line of an offset.
func lineAt(data []byte, offset int) int {
	return 1 + bytes.Count(data[:min(offset, len(data))], []byte("\n"))
}
