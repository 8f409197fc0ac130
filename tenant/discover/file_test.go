package discover_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// fromFile lists a file that has the text; messages show it below DIR.
func fromFile(t *testing.T, name, text string) found {
	t.Helper()
	env, _ := world(t)
	if err := os.WriteFile(filepath.Join(env.Dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := discover.NewFile(discover.File{
		Name: "1", Path: name, Defaults: discover.Defaults{Server: "main", Labels: map[string]string{"tier": "free"}},
	}, env)
	f := list(t, source, err)
	for _, texts := range [][]string{f.Tenants, f.Errors} {
		for i := range texts {
			texts[i] = strings.ReplaceAll(texts[i], env.Dir, "DIR")
		}
	}
	return f
}

func TestFileReadsEachFormat(t *testing.T) {
	t.Parallel()
	same := []string{
		"acme main/app/tenant_acme {plan=3,tier=gold}",
		"bolt db2/cust_1/public {tier=free}",
		"crane DIR/data/crane.db {on=true,tier=free}",
		"éclair, \"co\" main/app/x {tier=free}",
	}
	for name, text := range map[string]string{
		"t.csv": "\ufeffid,schema,server,database,file,label.tier,label.plan,label.on\r\n" +
			"acme,tenant_acme,,,,gold,3,\r\n" +
			"\r\n" +
			"bolt,public,db2,cust_1,,,,\r\n" +
			"crane,,,,data/crane.db,,,true\r\n" +
			"\"éclair, \"\"co\"\"\",x,,,,,,",
		"t.json": `[
  {"id": "acme", "source": "registry", "schema": "tenant_acme", "labels": {"tier": "gold", "plan": 3}},
  {"id": "bolt", "server": "db2", "database": "cust_1", "schema": "public", "file": "", "labels": {}},
  {"id": "crane", "server": "", "database": null, "file": "data/crane.db", "labels": {"on": true, "tier": null}},
  {"id": "\u00e9clair, \"co\"", "schema": "x", "labels": null}
]
`,
		"t.jsonl": `{"id": "acme", "source": "registry", "schema": "tenant_acme", "labels": {"tier": "gold", "plan": 3}}

{"id": "bolt", "server": "db2", "database": "cust_1", "schema": "public"}
  {"id": "crane", "file": "data/crane.db", "labels": {"on": true}}` + "\r\n" +
			`{"id": "éclair, \"co\"", "schema": "x"}`,
		"t.yaml": `# tenants
- id: acme
  schema: tenant_acme
  source: 1
  labels: &gold {tier: gold, plan: 3}
- {id: bolt, server: db2, database: cust_1, schema: public, labels: {tier: ""}}
- id: crane
  file: data/crane.db
  labels:
    on: true
    tier: ~
- id: 'éclair, "co"'
  schema: x
`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(found{Tenants: same}, fromFile(t, name, text)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := fromFile(t, "UPPER.YML", "[{id: 007, schema: 1e3}, {id: 2026-01-02, schema: no}]"); len(got.Tenants) != 2 ||
		got.Tenants[0] != "007 main/app/1e3 {tier=free}" || got.Tenants[1] != "2026-01-02 main/app/no {tier=free}" {
		t.Errorf("scalars are not text as written: %v", got)
	}
	if got := fromFile(t, "big.ndjson", `{"id": 12345678901234567890, "schema": 1.50}`); len(got.Tenants) != 1 ||
		got.Tenants[0] != "12345678901234567890 main/app/1.50 {tier=free}" {
		t.Errorf("numbers are not text as written: %v", got)
	}
}

func TestFileNamesTheLineOfEachMistake(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, text string
		want             []string
	}{
		{"csv header", "t.csv", "\nid,plan\na,b\n", []string{`DIR/t.csv:2: unknown column "plan" (did you mean "label.plan"?)`}},
		{"csv rows", "t.csv", "id,schema\nacme,\"two\nlines\"\nshort\nlong,a,b\n,x\n", []string{
			`DIR/t.csv:4: the row has 1 fields, but the header has 2`,
			`DIR/t.csv:5: the row has 3 fields, but the header has 2`,
		}},
		{"csv id", "t.csv", "id,schema\nacme,\"two\nlines\"\n,x\nbolt,y\n", []string{`DIR/t.csv:4: record 2 has no id`}},
		{"csv quote", "t.csv", "id,schema\nacme,a\"b\n", []string{
			`DIR/t.csv:2:7: bare " in non-quoted-field (a field with quotes or commas stands in double quotes, and quotes in it are doubled: "a ""b"" c")`,
		}},
		{"csv header only", "t.csv", "id,schema\n", []string{"DIR/t.csv: lists no tenant"}},
		{"csv empty", "t.csv", "", []string{"DIR/t.csv: lists no tenant"}},
		{"json fields", "t.json", "[\n{\"id\":\"a\",\n\"plan\":\"x\",\n\"shcema\":1},\n{\"id\":\n[],\"labels\":[1]},\n{\"id\":\"b\",\"id\":\"c\",\n\"labels\":{\"x\":\n{},\"x\":1},\"label.tier\":1}, 7]", []string{
			`DIR/t.json:3: unknown field "plan" (did you mean labels: {"plan": …}?)`,
			`DIR/t.json:4: unknown field "shcema" (did you mean "schema", or labels: {"shcema": …}?)`,
			`DIR/t.json:5: field "id": text is expected, not a list or an object`,
			`DIR/t.json:6: labels are not an object (write labels: {"tier": "gold"})`,
			`DIR/t.json:7: field "id" is there twice`,
			`DIR/t.json:8: label "x": text is expected, not a list or an object`,
			`DIR/t.json:9: field "x" is there twice`,
			`DIR/t.json:9: unknown field "label.tier" (did you mean labels: {"tier": …}?)`,
			`DIR/t.json:9: not an object {id: …}`,
		}},
		{"json syntax", "t.json", "[{\"id\":\"a\"},\n{\"id\" \"b\"}]", []string{`DIR/t.json:2: invalid character '"' after object key`}},
		{"json comma", "t.json", "[\n{\"id\":\"a\"},\n]", []string{`DIR/t.json:3: invalid character ']' looking for beginning of value`}},
		{"json end", "t.json", "[\n{\"id\":\"a\"\n\n", []string{`DIR/t.json:2: unexpected end`}},
		{"json more", "t.json", "[\n{\"id\":\"a\"}]\n[]", []string{`DIR/t.json:3: unexpected [ after the end`}},
		{"json object", "t.json", `{"tenants": []}`, []string{`DIR/t.json:1: not a list of tenants`}},
		{"json deep", "t.json", strings.Repeat("[", 1000), []string{`DIR/t.json:1: nested too deeply`}},
		{"json empty", "t.json", " []", []string{`DIR/t.json: lists no tenant`}},
		{"json null", "t.json", "null", []string{`DIR/t.json: lists no tenant`}},
		{"json nothing", "t.json", " \n", []string{`DIR/t.json: lists no tenant`}},
		{"jsonl", "t.jsonl", "{\"id\":\"a\"}\n\n[{\"id\":\"b\"}]\n{\"id\":\n{\"id\":\"c\",\"x\":1}\n{} {}\n", []string{
			`DIR/t.jsonl:3: not an object {id: …} (one object a tenant, not a list of them)`,
			`DIR/t.jsonl:4: unexpected end`,
			`DIR/t.jsonl:5: unknown field "x" (did you mean labels: {"x": …}?)`,
			`DIR/t.jsonl:6: unexpected { after the end`,
		}},
		{"yaml fields", "t.yaml", "- id: a\n  shema: x\n- id: [b]\n  id: c\n- just text\n- {id: d, labels: gold}\n- [e]\n- {[1]: x, id: f}\n", []string{
			`DIR/t.yaml:2: unknown field "shema" (did you mean "schema", or labels: {"shema": …}?)`,
			`DIR/t.yaml:3: field "id": text is expected, not a list or an object`,
			`DIR/t.yaml:4: field "id" is there twice`,
			`DIR/t.yaml:5: not an object {id: …}`,
			`DIR/t.yaml:6: labels are not an object (write labels: {"tier": "gold"})`,
			`DIR/t.yaml:7: not an object {id: …} (one object a tenant, not a list of them)`,
			`DIR/t.yaml:8: the name of a field is not text`,
		}},
		{"yaml syntax", "t.yaml", "- id: a\n  b: [\n", []string{`DIR/t.yaml:2: did not find expected node content`}},
		{"yaml documents", "t.yaml", "- id: a\n---\n- id: b\n", []string{`DIR/t.yaml:2: a second document; only one is read`}},
		{"yaml mapping", "t.yaml", "tenants:\n- id: a\n", []string{`DIR/t.yaml:1: not a list of tenants`}},
		{"yaml empty", "t.yaml", "# nothing\n", []string{`DIR/t.yaml: lists no tenant`}},
		{"yaml null", "t.yaml", "---\n", []string{`DIR/t.yaml: lists no tenant`}},
		{"encoding", "t.yaml", "- id: a\n- id: b\xe9\n", []string{`DIR/t.yaml:2: not UTF-8 (save the file as UTF-8)`}},
		{"server", "t.csv", "id,server\na,main\nb,mian\n", []string{`DIR/t.csv:3: tenant "b": there is no server "mian" in the config (did you mean main?)`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(found{Errors: c.want}, fromFile(t, c.file, c.text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The duplicates that Gather finds are reported with their lines.
func TestFileTellsWhereATenantIsWritten(t *testing.T) {
	t.Parallel()
	env, _ := world(t)
	path := filepath.Join(env.Dir, "t.csv")
	if err := os.WriteFile(path, []byte("id,schema\na,x\nb,y\na,z\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := discover.NewFile(discover.File{Name: "1", Path: path, Defaults: discover.Defaults{Server: "main"}}, env)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = tenant.Gather(t.Context(), []tenant.Source{source}, tenant.Guards{})
	var e *tenant.Error
	if !errors.As(err, &e) || e.File != path || e.Line != 4 || !strings.Contains(e.Message, "t.csv:2)") {
		t.Errorf("got %v", err)
	}
}

func TestFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	env, _ := world(t)
	source, err := discover.NewFile(discover.File{Path: "none.csv"}, env)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := source.List(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	for _, path := range []string{"tenants.txt", "tenants", ""} {
		_, err := discover.NewFile(discover.File{Name: "1", Path: path}, env)
		if got := lines(err); len(got) != 1 || !strings.Contains(got[0], "the name ends in one of .csv, .json, .jsonl, .ndjson, .yaml, .yml") {
			t.Errorf("%q: got %v", path, got)
		}
	}
}

// FuzzDecode looks for texts on which the formats panic, and for JSON that is read differently from what it says.
func FuzzDecode(f *testing.F) {
	f.Add("id,schema\na,b\n")
	f.Add(`[{"id": "a", "labels": {"x": "\ud83d\ude00"}}]`)
	f.Add("- &a {id: x, labels: *a}\n- *a\n- <<: *a\n")
	env := discover.Env{Servers: map[string]string{"main": "app"}}
	f.Fuzz(func(t *testing.T, text string) {
		folder := t.TempDir()
		for _, name := range []string{"t.csv", "t.json", "t.jsonl", "t.yaml"} {
			path := filepath.Join(folder, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			source, err := discover.NewFile(discover.File{Path: path, Defaults: discover.Defaults{Schema: "s"}}, env)
			if err != nil {
				t.Fatal(err)
			}
			tenants, _, err := source.List(t.Context())
			if (err == nil) != (len(tenants) > 0) {
				t.Fatalf("%s: %d tenants and error %v", name, len(tenants), err)
			}
			var objects []map[string]any
			if name == "t.json" && err == nil && json.Unmarshal(bytes.TrimPrefix([]byte(text), []byte("\ufeff")), &objects) != nil {
				t.Fatalf("%q is no JSON, but was read", text)
			}
		}
	})
}

func TestDecodeYAMLReadsAListInTheConfig(t *testing.T) {
	t.Parallel()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte("list:\n- {id: acme, url_env: ACME, labels: {a: b}}\n"), &document); err != nil {
		t.Fatal(err)
	}
	got, err := discover.DecodeYAML("skein.yaml", document.Content[0].Content[1])
	want := []discover.Record{{
		ID: "acme", URLEnv: "ACME", Labels: map[string]string{"a": "b"}, Position: tenant.Position{File: "skein.yaml", Line: 2},
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func BenchmarkFile10000(b *testing.B) {
	var table, objects bytes.Buffer
	table.WriteString("id,schema,label.tier\n")
	for i := range 10_000 {
		fmt.Fprintf(&table, "t%05d,tenant_%05d,gold\n", i, i)
		fmt.Fprintf(&objects, `%s{"id":"t%05d","schema":"tenant_%05d","labels":{"tier":"gold"}}`+"\n", map[bool]string{true: "[", false: ","}[i == 0], i, i)
	}
	objects.WriteString("]")
	env := discover.Env{Dir: b.TempDir(), Servers: map[string]string{"main": "app"}}
	for name, text := range map[string][]byte{"t.csv": table.Bytes(), "t.json": objects.Bytes(), "t.yaml": objects.Bytes()} {
		if err := os.WriteFile(filepath.Join(env.Dir, name), text, 0o600); err != nil {
			b.Fatal(err)
		}
		source, err := discover.NewFile(discover.File{Path: name}, env)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if tenants, _, err := source.List(b.Context()); err != nil || len(tenants) != 10_000 {
					b.Fatal(len(tenants), err)
				}
			}
		})
	}
}
