package postgres

import (
	"slices"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// nameReader walks the parse tree of a statement. It walks through nodes that it does not know: a RangeVar, a type, a call and
// an operator mean the same everywhere, except in the nodes that are listed here and in names_define.go and names_object.go.
type nameReader struct {
	names   *statementNames
	ctes    []string // those in scope
	into    string   // the schema that indexes and sequences of the current table go to
	calling bool     // the next call is that of CALL, whose arguments are output as well
	self    string   // the bare name of the table that is being created: a foreign key may refer to it
}

func (r *nameReader) read(m proto.Message) {
	if m == nil || !m.ProtoReflect().IsValid() {
		return
	}
	switch n := m.(type) {
	case *pg_query.RangeVar:
		r.relation(n, true)
	case *pg_query.TypeName:
		r.typeName(n)
	case *pg_query.FuncCall:
		r.call(n)
	case *pg_query.TypeCast:
		r.cast(n)
	case *pg_query.A_Expr:
		switch n.GetKind() {
		case pg_query.A_Expr_Kind_AEXPR_OP, pg_query.A_Expr_Kind_AEXPR_OP_ANY, pg_query.A_Expr_Kind_AEXPR_OP_ALL:
			args := 2
			if n.GetLexpr() == nil {
				args = 1
			}
			r.overload(kindOperator, n.GetName(), args, false, n.GetLocation())
		}
		r.fields(n, "name")
	case *pg_query.SubLink:
		r.list(kindOperator, n.GetOperName(), n.GetLocation())
		r.fields(n, "oper_name")
	case *pg_query.SortBy:
		r.list(kindOperator, n.GetUseOp(), n.GetLocation())
		r.fields(n, "useOp")
	case *pg_query.CollateClause:
		r.list(kindCollation, n.GetCollname(), n.GetLocation())
		r.fields(n, "collname")
	case *pg_query.SelectStmt:
		r.scope(n.GetWithClause(), func() {
			r.made(n.GetIntoClause().GetRel())
			r.fields(n, "with_clause", "into_clause")
		})
	case *pg_query.InsertStmt:
		r.change(n, n.GetRelation(), n.GetWithClause())
	case *pg_query.UpdateStmt:
		r.change(n, n.GetRelation(), n.GetWithClause())
	case *pg_query.DeleteStmt:
		r.change(n, n.GetRelation(), n.GetWithClause())
	case *pg_query.MergeStmt:
		r.change(n, n.GetRelation(), n.GetWithClause())
	case *pg_query.LockingClause: // FOR UPDATE OF alias
	case *pg_query.DefElem:
		r.option(n)
	default:
		if !r.statement(m) {
			r.fields(m)
		}
	}
}

// fields walks through the fields of a node, except the named ones.
func (r *nameReader) fields(m proto.Message, except ...string) {
	m.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil || slices.Contains(except, string(f.Name())):
		case f.IsList():
			for i := range v.List().Len() {
				r.read(v.List().Get(i).Message().Interface())
			}
		default:
			r.read(v.Message().Interface())
		}
		return true
	})
}

// nodes walks through a list.
func (r *nameReader) nodes(list []*pg_query.Node) {
	for _, n := range list {
		r.read(n)
	}
}

// scope reads the WITH of a query, and then the query with its names in scope. A name is in scope in the queries that follow
// it, with RECURSIVE also in those before.
func (r *nameReader) scope(with *pg_query.WithClause, query func()) {
	before := len(r.ctes)
	if with.GetRecursive() {
		for _, n := range with.GetCtes() {
			r.ctes = append(r.ctes, n.GetCommonTableExpr().GetCtename())
		}
	}
	for _, n := range with.GetCtes() {
		r.read(n.GetCommonTableExpr().GetCtequery())
		r.ctes = append(r.ctes, n.GetCommonTableExpr().GetCtename())
	}
	query()
	r.ctes = r.ctes[:before]
}

// change reads a statement that changes rows. Its target is never a name of its WITH.
func (r *nameReader) change(n proto.Message, target *pg_query.RangeVar, with *pg_query.WithClause) {
	r.names.writes = true
	r.relation(target, false)
	r.scope(with, func() { r.fields(n, "relation", "with_clause") })
}

func (r *nameReader) relation(v *pg_query.RangeVar, scoped bool) {
	if v == nil || v.GetSchemaname() != "" || v.GetRelname() == "" || scoped && slices.Contains(r.ctes, v.GetRelname()) {
		return
	}
	r.use(kindRelation, v.GetRelname(), v.GetLocation())
}

func (r *nameReader) use(kind byte, name string, at int32) {
	r.names.uses = append(r.names.uses, use{lookup{kindName{kind, name}, anyArgs, false}, max(int(at), 0)})
}

// list records a name that the grammar gives as a list of its parts.
func (r *nameReader) list(kind byte, parts []*pg_query.Node, at int32) {
	if names := words(parts); len(names) == 1 && len(parts) == 1 {
		r.use(kind, names[0], at)
	}
}

// overload is list for a name that is distinguished from others by the number of arguments.
func (r *nameReader) overload(kind byte, parts []*pg_query.Node, args int, signature bool, at int32) {
	if names := words(parts); len(names) == 1 && len(parts) == 1 {
		r.names.uses = append(r.names.uses, use{lookup{kindName{kind, names[0]}, args, signature}, max(int(at), 0)})
	}
}

// words returns the strings of a list.
func words(list []*pg_query.Node) []string {
	var all []string
	for _, n := range list {
		if s := n.GetString_(); s != nil {
			all = append(all, s.GetSval())
		}
	}
	return all
}

// serials are type names that only CREATE TABLE knows: they are neither in the grammar nor in a catalog.
var serials = []string{"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"}

func (r *nameReader) typeName(t *pg_query.TypeName) {
	parts := words(t.GetNames())
	switch {
	case t.GetPctType() && len(parts) == 2: // table.column%TYPE
		r.use(kindRelation, parts[0], t.GetLocation())
	case t.GetPctType():
	case len(parts) == 1 && !slices.Contains(serials, parts[0]):
		r.use(kindType, parts[0], t.GetLocation())
	}
	r.nodes(t.GetTypmods())
}

// literals are functions whose first argument is a string that names an object, with the kind of that object.
var literals = map[string]string{
	"nextval": "r", "currval": "r", "setval": "r", "to_regclass": "r", "pg_get_serial_sequence": "r",
	"pg_relation_size": "r", "pg_table_size": "r", "pg_indexes_size": "r", "pg_total_relation_size": "r",
	"pg_get_indexdef": "r", "pg_get_viewdef": "r",
	"to_regtype": "t", "to_regproc": "f", "to_regprocedure": "f", "to_regoper": "o", "to_regcollation": "c",
	"to_tsvector": "g", "to_tsquery": "g", "plainto_tsquery": "g", "phraseto_tsquery": "g", "websearch_to_tsquery": "g", "ts_headline": "g",
	"ts_lexize": "d", "ts_parse": "p", "ts_token_type": "p",
}

func (r *nameReader) call(c *pg_query.FuncCall) {
	args := len(c.GetArgs())
	if c.GetAggWithinGroup() || c.GetFuncVariadic() || r.calling {
		args = anyArgs
	}
	r.calling = false
	r.overload(kindFunction, c.GetFuncname(), args, false, c.GetLocation())
	if parts := words(c.GetFuncname()); len(parts) > 0 {
		name := parts[len(parts)-1]
		r.names.calls = append(r.names.calls, name)
		args := c.GetArgs()
		kinds := literals[name]
		if kinds == "g" && len(args) < 2 { // with one argument, that is the text
			kinds = ""
		}
		if kinds != "" && len(args) > 0 {
			r.literal(kinds[0], args[0])
		}
		if name == "set_config" && len(args) > 0 && strings.EqualFold(stringOf(args[0]), "search_path") {
			r.names.path = true
		}
	}
	r.fields(c, "funcname")
}

// registers are the types whose input looks a name up in the search path.
var registers = map[string]byte{
	"regclass": kindRelation, "regtype": kindType, "regproc": kindFunction, "regprocedure": kindFunction,
	"regoper": kindOperator, "regcollation": kindCollation, "regconfig": kindConfiguration, "regdictionary": kindDictionary,
}

func (r *nameReader) cast(c *pg_query.TypeCast) {
	if parts := words(c.GetTypeName().GetNames()); len(parts) > 0 {
		if kind, ok := registers[parts[len(parts)-1]]; ok {
			r.literal(kind, c.GetArg())
		}
	}
	r.fields(c)
}

// literal records the name in a string constant, also below a cast.
func (r *nameReader) literal(kind byte, n *pg_query.Node) {
	text := stringOf(n)
	if kind == kindFunction || kind == kindType {
		text, _, _ = strings.Cut(text, "(")
		text = strings.TrimRight(text, "[] ")
	}
	at := n.GetAConst().GetLocation()
	if name, ok := bareName(text); ok {
		r.use(kind, name, at)
	}
}

// stringOf is the text of a string constant, also one that is cast to text; "" for anything else.
func stringOf(n *pg_query.Node) string {
	if c := n.GetTypeCast(); c != nil {
		if parts := words(c.GetTypeName().GetNames()); len(parts) > 0 && slices.Contains([]string{"text", "varchar", "name"}, parts[len(parts)-1]) {
			return stringOf(c.GetArg())
		}
		return ""
	}
	return n.GetAConst().GetSval().GetSval()
}

// option reads the value of an option. Most values are words that only look like types.
func (r *nameReader) option(d *pg_query.DefElem) {
	if d.GetDefname() != "owned_by" {
		return
	}
	if parts := words(d.GetArg().GetList().GetItems()); len(parts) == 2 {
		r.use(kindRelation, parts[0], d.GetLocation())
	}
}

// made records a relation that the statement creates. A temporary one does not hide the tail: pg_temp is the last schema of
// the path.
func (r *nameReader) made(v *pg_query.RangeVar) {
	if v == nil || v.GetRelpersistence() == "t" || v.GetSchemaname() == "pg_temp" {
		return
	}
	r.effect(effect{kindName: kindName{kindRelation, v.GetRelname()}, schema: v.GetSchemaname()})
	if v.GetSchemaname() == "" {
		r.names.grows = append(r.names.grows, v.GetRelname())
	}
}

// makes records an object that a statement creates, by the parts of its name.
func (r *nameReader) makes(kind byte, parts []*pg_query.Node) {
	if e, ok := effectOf(kind, words(parts)); ok {
		r.effect(e)
	}
}

func (r *nameReader) effect(e effect) { r.names.effects = append(r.names.effects, e) }

func effectOf(kind byte, parts []string) (effect, bool) {
	switch len(parts) {
	case 1:
		return effect{kindName: kindName{kind, parts[0]}}, true
	case 2:
		return effect{kindName: kindName{kind, parts[1]}, schema: parts[0]}, true
	}
	return effect{}, false
}
