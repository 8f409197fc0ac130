package postgres

import (
	"slices"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
)

// statement reads the nodes that name an object which does not exist yet, or whose names are plain lists; false for any other
// node.
func (r *nameReader) statement(m proto.Message) bool {
	switch n := m.(type) {
	case *pg_query.CreateStmt:
		r.table(n)
	case *pg_query.CreateForeignTableStmt:
		r.table(n.GetBaseStmt())
	case *pg_query.CreateTableAsStmt:
		r.made(n.GetInto().GetRel())
		r.read(n.GetQuery())
	case *pg_query.ViewStmt:
		r.made(n.GetView())
		r.read(n.GetQuery())
	case *pg_query.CreateSeqStmt:
		r.made(n.GetSequence())
		r.fields(n, "sequence")
	case *pg_query.CompositeTypeStmt:
		r.made(n.GetTypevar())
		r.fields(n, "typevar")
	case *pg_query.IndexStmt:
		r.index(n)
	case *pg_query.AlterTableStmt:
		r.within(n.GetRelation())
		r.fields(n)
	case *pg_query.Constraint:
		r.constraint(n)
	case *pg_query.IndexElem:
		r.element(n, n.GetCollation(), n.GetOpclass())
	case *pg_query.PartitionElem:
		r.element(n, n.GetCollation(), n.GetOpclass())
	case *pg_query.CreateStatsStmt:
		r.makes(kindStatistics, n.GetDefnames())
		for _, v := range n.GetRelations() {
			if len(n.GetDefnames()) == 0 && v.GetRangeVar().GetSchemaname() == "" {
				r.names.grows = append(r.names.grows, v.GetRangeVar().GetRelname())
			}
		}
		r.fields(n, "defnames")
	case *pg_query.RuleStmt:
		r.ctes = append(r.ctes, "old", "new")
		r.relation(n.GetRelation(), false)
		r.fields(n, "relation")
		r.ctes = r.ctes[:len(r.ctes)-2]
	case *pg_query.CreateTrigStmt:
		r.overload(kindFunction, n.GetFuncname(), 0, false, 0)
		r.fields(n, "funcname", "args", "transitionRels")
	case *pg_query.CreateEventTrigStmt:
		r.overload(kindFunction, n.GetFuncname(), 0, false, 0)
	case *pg_query.CreateFunctionStmt:
		r.makes(kindFunction, n.GetFuncname())
		r.fields(n, "funcname")
	case *pg_query.CreateDomainStmt:
		r.makes(kindType, n.GetDomainname())
		r.fields(n, "domainname")
	case *pg_query.CreateEnumStmt:
		r.makes(kindType, n.GetTypeName())
	case *pg_query.CreateRangeStmt:
		r.rangeType(n)
	case *pg_query.DefineStmt:
		r.define(n)
	case *pg_query.CreateConversionStmt:
		r.makes(kindConversion, n.GetConversionName())
		r.list(kindFunction, n.GetFuncName(), 0)
	case *pg_query.CreateOpClassStmt:
		r.makes(kindClass, n.GetOpclassname())
		if len(n.GetOpfamilyname()) == 0 {
			r.makes(kindFamily, n.GetOpclassname())
		}
		r.list(kindFamily, n.GetOpfamilyname(), 0)
		r.read(n.GetDatatype())
		r.members(n.GetItems())
	case *pg_query.CreateOpFamilyStmt:
		r.makes(kindFamily, n.GetOpfamilyname())
	case *pg_query.AlterOpFamilyStmt:
		r.list(kindFamily, n.GetOpfamilyname(), 0)
		r.members(n.GetItems())
	case *pg_query.CreateCastStmt:
		r.fields(n, "func")
		r.routine(kindFunction, n.GetFunc())
	case *pg_query.DoStmt, *pg_query.ExecuteStmt, *pg_query.CreateExtensionStmt, *pg_query.CreateSchemaStmt, *pg_query.ImportForeignSchemaStmt:
		r.names.opaque = true
		if e, ok := m.(*pg_query.ExecuteStmt); ok {
			r.nodes(e.GetParams())
		}
	case *pg_query.CallStmt:
		r.names.opaque, r.calling = true, true
		r.fields(n)
	case *pg_query.VariableSetStmt:
		r.names.path = r.names.path || n.GetName() == "search_path" || n.GetKind() == pg_query.VariableSetKind_VAR_RESET_ALL
	case *pg_query.DiscardStmt:
		r.names.path = true
	case *pg_query.ConstraintsSetStmt, *pg_query.AlterDefaultPrivilegesStmt: // names of constraints; of no object yet
	default:
		return r.alter(m)
	}
	return true
}

// table reads CREATE TABLE. A partition's parent is a use like any other.
func (r *nameReader) table(n *pg_query.CreateStmt) {
	r.made(n.GetRelation())
	r.into = n.GetRelation().GetSchemaname()
	if r.into == "" && n.GetRelation().GetRelpersistence() != "t" {
		r.self = n.GetRelation().GetRelname()
	}
	r.fields(n, "relation", "options")
}

// within records the schema of a table, into which its new indexes and sequences go.
func (r *nameReader) within(v *pg_query.RangeVar) {
	r.into = v.GetSchemaname()
	if r.into == "" && v.GetRelname() != "" {
		r.names.grows = append(r.names.grows, v.GetRelname())
	}
}

// index reads CREATE INDEX: it goes into the schema of its table.
func (r *nameReader) index(n *pg_query.IndexStmt) {
	r.within(n.GetRelation())
	if n.GetIdxname() != "" {
		r.effect(effect{kindName: kindName{kindRelation, n.GetIdxname()}, schema: r.into})
	}
	r.fields(n, "options")
}

// constraint reads a constraint. One with an index creates an index of its name.
func (r *nameReader) constraint(n *pg_query.Constraint) {
	switch n.GetContype() {
	case pg_query.ConstrType_CONSTR_PRIMARY, pg_query.ConstrType_CONSTR_UNIQUE, pg_query.ConstrType_CONSTR_EXCLUSION:
		if n.GetConname() != "" {
			r.effect(effect{kindName: kindName{kindRelation, n.GetConname()}, schema: r.into})
		}
	}
	for _, pair := range n.GetExclusions() { // column, operator
		items := pair.GetList().GetItems()
		if len(items) == 2 {
			r.read(items[0])
			r.list(kindOperator, items[1].GetList().GetItems(), n.GetLocation())
		}
	}
	if t := n.GetPktable(); t.GetSchemaname() != "" || t.GetRelname() != r.self {
		r.read(t)
	}
	r.fields(n, "exclusions", "pktable")
}

func (r *nameReader) element(n proto.Message, collation, class []*pg_query.Node) {
	r.list(kindCollation, collation, 0)
	r.list(kindClass, class, 0)
	r.fields(n, "collation", "opclass")
}

// members reads the items of an operator class or family.
func (r *nameReader) members(items []*pg_query.Node) {
	for _, item := range items {
		i := item.GetCreateOpClassItem()
		kind := byte(kindFunction)
		if i.GetItemtype() == 1 { // OPCLASS_ITEM_OPERATOR of parsenodes.h
			kind = kindOperator
		}
		r.routine(kind, i.GetName())
		r.list(kindFamily, i.GetOrderFamily(), 0)
		r.nodes(i.GetClassArgs())
		r.read(i.GetStoredtype())
	}
}

// routine reads the name of a function or an operator with the types of its arguments.
func (r *nameReader) routine(kind byte, o *pg_query.ObjectWithArgs) {
	args := len(o.GetObjargs())
	if kind == kindOperator { // the type that a prefix operator lacks is an empty node
		args = len(slices.DeleteFunc(slices.Clone(o.GetObjargs()), func(n *pg_query.Node) bool { return n.GetTypeName() == nil }))
	}
	if o.GetArgsUnspecified() || kind == kindOperator && args == 0 {
		args = anyArgs
	}
	r.overload(kind, o.GetObjname(), args, true, 0)
	r.nodes(o.GetObjargs())
	if len(o.GetObjargs()) == 0 {
		r.nodes(o.GetObjfuncargs())
	}
}

func (r *nameReader) rangeType(n *pg_query.CreateRangeStmt) {
	r.makes(kindType, n.GetTypeName())
	r.makes(kindFunction, n.GetTypeName()) // its constructors
	if e, ok := effectOf(kindType, words(n.GetTypeName())); ok {
		e.name = multirange(e.name)
		r.effect(e)
		r.effect(effect{kindName: kindName{kindFunction, e.name}, schema: e.schema})
	}
	for _, p := range n.GetParams() {
		switch d := p.GetDefElem(); d.GetDefname() {
		case "subtype":
			r.read(d.GetArg())
		case "subtype_opclass":
			r.value(kindClass, d)
		case "collation":
			r.value(kindCollation, d)
		case "canonical", "subtype_diff":
			r.value(kindFunction, d)
		case "multirange_type_name":
			r.makes(kindType, parts(d.GetArg()))
		}
	}
}

// multirange is the name that the server chooses for the multirange type of a range type.
func multirange(name string) string {
	if before, after, ok := strings.Cut(name, "range"); ok {
		return before + "multirange" + after
	}
	return name + "_multirange"
}

// kindsDefined are the kinds of objects that a DefineStmt creates.
var kindsDefined = map[pg_query.ObjectType]byte{
	pg_query.ObjectType_OBJECT_AGGREGATE: kindFunction, pg_query.ObjectType_OBJECT_OPERATOR: kindOperator, pg_query.ObjectType_OBJECT_TYPE: kindType,
	pg_query.ObjectType_OBJECT_COLLATION: kindCollation, pg_query.ObjectType_OBJECT_TSPARSER: kindParser, pg_query.ObjectType_OBJECT_TSDICTIONARY: kindDictionary,
	pg_query.ObjectType_OBJECT_TSTEMPLATE: kindTemplate, pg_query.ObjectType_OBJECT_TSCONFIGURATION: kindConfiguration,
}

// definitions are the options of CREATE AGGREGATE, OPERATOR, TYPE, … that name objects: kind created → option → kind named.
var definitions = map[byte]map[string]byte{
	kindFunction: {
		"sfunc": 'f', "finalfunc": 'f', "combinefunc": 'f', "serialfunc": 'f', "deserialfunc": 'f', "msfunc": 'f', "minvfunc": 'f', "mfinalfunc": 'f',
		"sfunc1": 'f', "stype": 't', "mstype": 't', "stype1": 't', "basetype": 't', "sortop": 'o',
	},
	kindOperator: {
		"procedure": 'f', "function": 'f', "restrict": 'f', "join": 'f', "leftarg": 't', "rightarg": 't', "commutator": 'o', "negator": 'o',
	},
	kindType: {
		"input": 'f', "output": 'f', "receive": 'f', "send": 'f', "typmod_in": 'f', "typmod_out": 'f', "analyze": 'f', "subscript": 'f', "element": 't', "like": 't',
	},
	kindCollation:     {"from": 'c'},
	kindConfiguration: {"copy": 'g', "parser": 'p'},
	kindDictionary:    {"template": 'e'},
	kindTemplate:      {"init": 'f', "lexize": 'f'},
	kindParser:        {"start": 'f', "gettoken": 'f', "end": 'f', "lextypes": 'f', "headline": 'f'},
}

func (r *nameReader) define(n *pg_query.DefineStmt) {
	kind, ok := kindsDefined[n.GetKind()]
	if !ok {
		r.fields(n)
		return
	}
	r.makes(kind, n.GetDefnames())
	if !n.GetOldstyle() {
		r.nodes(n.GetArgs())
	}
	for _, p := range n.GetDefinition() {
		d := p.GetDefElem()
		of, ok := definitions[kind][d.GetDefname()]
		if !ok || of == kind && slices.Equal(words(parts(d.GetArg())), words(n.GetDefnames())) { // an operator is its own commutator
			continue
		}
		r.value(of, d)
	}
}

// value records the object that an option names.
func (r *nameReader) value(kind byte, d *pg_query.DefElem) {
	if kind == kindType && d.GetArg().GetTypeName() != nil {
		r.read(d.GetArg())
		return
	}
	r.list(kind, parts(d.GetArg()), d.GetLocation())
}

// parts returns the parts of a name that the grammar reads as a type, a list, or an operator.
func parts(n *pg_query.Node) []*pg_query.Node {
	switch {
	case n.GetTypeName() != nil:
		return n.GetTypeName().GetNames()
	case n.GetList() != nil:
		return n.GetList().GetItems()
	case n.GetString_() != nil:
		return []*pg_query.Node{n}
	}
	return nil
}

// isOneOf is slices.Contains for object types.
func isOneOf(t pg_query.ObjectType, list ...pg_query.ObjectType) bool {
	return slices.Contains(list, t)
}
