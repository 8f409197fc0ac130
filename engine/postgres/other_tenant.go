package postgres

import (
	"fmt"
	"slices"

	"github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// A qualified name is meant, but hardly where its schema is that of another tenant: every tenant of the fleet would read
// or change that one, as happens when output of pg_dump is taken over with its prefixes.

// otherTenants refuses the tenants of a plan whose statements name another tenant's schema, unless that is declared.
// It asks the server nothing, and parses only statements in which such a schema stands before a dot.
func (s *screening) otherTenants(w *way) {
	tenants := s.db.tenantsOf(s.server, s.at.database)
	for i := range w.steps {
		b := &w.steps[i]
		section := b.step.Revision.Section(b.step.Direction)
		for _, statement := range b.statements {
			for _, q := range foreignNames(statement, tenants) {
				o := object{schema: q.Schema, name: q.Name}
				if declared(o, nil, section.Touches) || declared(o, nil, s.db.cfg.Touches) {
					continue
				}
				for _, at := range w.who {
					if s.refused[at] == nil && s.candidates[at].Location.Schema != q.Schema {
						s.refused[at] = otherTenantError(b.step, statement, q)
					}
				}
			}
		}
	}
}

func otherTenantError(step engine.Step, statement revision.Statement, q revision.Name) *engine.Error {
	name := q.Schema + "." + q.Name
	return &engine.Error{
		Class: engine.Guard, Revision: step.Revision.ID, File: step.Revision.File,
		Line: statement.Line, Col: statement.Col, Statement: cut(statement.Text),
		Message: fmt.Sprintf("the statement names %s, which is another tenant's: all tenants would use that one", name),
		Advice:  fmt.Sprintf("leave the schema out: %s is then each tenant's own; if that tenant is meant, note `-- skein:touches %s` above the first section", q.Name, name),
	}
}

// foreignNames lists the names in a statement that are qualified with one of the schemas, which are sorted.
func foreignNames(statement revision.Statement, schemas []string) []revision.Name {
	suspect := slices.ContainsFunc(revision.Identifiers(statement.Text, revision.Postgres).Qualified, func(q revision.Name) bool {
		_, found := slices.BinarySearch(schemas, q.Schema)
		return found
	})
	if !suspect {
		return nil
	}
	tree, err := parseTree(statement.Text)
	if err != nil {
		return nil // an alias looks the same, and a check of the revisions warns
	}
	var names []revision.Name
	walkQualified(tree.ProtoReflect(), func(q revision.Name) {
		if _, found := slices.BinarySearch(schemas, q.Schema); found && !slices.Contains(names, q) {
			names = append(names, q)
		}
	})
	return names
}

// nameFields are the fields of parse trees that hold a name as a list of its parts. Lists of columns look the same.
var nameFields = []protoreflect.Name{
	"funcname", "names", "objname", "object", "objects", "type_name", "domainname", "opclassname", "opfamilyname", "collname",
	"defnames", "dictname", "cfgname", "items", "rel",
}

// walkQualified calls found with each schema-qualified name of an object in a parse tree. A column with its table is none.
func walkQualified(m protoreflect.Message, found func(revision.Name)) {
	switch x := m.Interface().(type) {
	case *pg_query.ColumnRef:
		return
	case *pg_query.RangeVar:
		if x.Schemaname != "" {
			found(revision.Name{Schema: x.Schemaname, Name: x.Relname})
		}
	}
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsList() && field.Kind() == protoreflect.MessageKind:
			list := value.List()
			if slices.Contains(nameFields, field.Name()) && list.Len() >= 2 {
				schema, name := stringNode(list.Get(0)), stringNode(list.Get(1))
				if schema != "" && name != "" {
					found(revision.Name{Schema: schema, Name: name})
				}
			}
			for i := range list.Len() {
				walkQualified(list.Get(i).Message(), found)
			}
		case field.Kind() == protoreflect.MessageKind:
			walkQualified(value.Message(), found)
		}
		return true
	})
}

func stringNode(v protoreflect.Value) string {
	var m proto.Message = v.Message().Interface()
	if n, ok := m.(*pg_query.Node); ok {
		return n.GetString_().GetSval()
	}
	return ""
}
