package config

import (
	"strings"

	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// records reads the tenants of a list.
func (b *builder) records(f *field) []discover.Record {
	if len(f.fields) == 0 && !f.invalid {
		b.errorAtKey(KindMissing, f, "lists no tenant", "add `{id: …}` for each tenant")
	}
	var records []discover.Record
	for _, r := range f.fields {
		if server := r.at("server"); server != nil && !strings.HasPrefix(get[string](r, "server"), "$") {
			b.knownServer(server)
		}
		inFile := r.at("file") != nil
		for _, name := range []string{"server", "database", "schema", "url_env"} {
			if other := r.at(name); inFile && other != nil {
				b.errorAtKey(KindConflict, other, "does not apply to a tenant with a file, which is SQLite", "a tenant is either a SQLite file or a schema in PostgreSQL")
			}
		}
		if r.at("url_env") != nil && r.at("server") != nil {
			b.errorAtKey(KindConflict, r.at("url_env"), "a tenant has either a server or its own URL", "keep one of the two")
		}
		records = append(records, discover.Record{
			ID: get[string](r, "id"), Server: get[string](r, "server"), Database: get[string](r, "database"), Schema: get[string](r, "schema"),
			File: get[string](r, "file"), URLEnv: get[string](r, "url_env"), Labels: labelsOf(r.at("labels")),
			Position: tenant.Position{File: b.file, Line: r.place().Line},
		})
	}
	return records
}

// labelsOf reads labels; nil when there are none.
func labelsOf(f *field) map[string]string {
	if len(f.entries()) == 0 {
		return nil
	}
	labels := make(map[string]string, len(f.fields))
	for _, label := range f.fields {
		labels[label.last()] = valueOf[string](label)
	}
	return labels
}
