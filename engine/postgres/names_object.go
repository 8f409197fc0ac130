package postgres

import (
	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
)

// alter reads the statements that take an object of any kind, by its type, and those that alter one of a kind; false
// for any other.
func (r *nameReader) alter(m proto.Message) bool {
	switch n := m.(type) {
	case *pg_query.DropStmt:
		r.names.removes = true
		for _, o := range n.GetObjects() {
			if e, ok := r.object(n.GetRemoveType(), o); ok {
				e.gone = true
				r.effect(e)
			}
		}
	case *pg_query.CommentStmt:
		r.object(n.GetObjtype(), n.GetObject())
	case *pg_query.SecLabelStmt:
		r.object(n.GetObjtype(), n.GetObject())
	case *pg_query.AlterOwnerStmt:
		r.read(n.GetRelation())
		r.object(n.GetObjectType(), n.GetObject())
	case *pg_query.AlterObjectDependsStmt:
		r.read(n.GetRelation())
		r.object(n.GetObjectType(), n.GetObject())
	case *pg_query.AlterExtensionContentsStmt:
		r.object(n.GetObjtype(), n.GetObject())
	case *pg_query.AlterObjectSchemaStmt:
		r.move(n)
	case *pg_query.RenameStmt:
		r.rename(n)
	case *pg_query.GrantStmt:
		if n.GetTargtype() == pg_query.GrantTargetType_ACL_TARGET_OBJECT {
			for _, o := range n.GetObjects() {
				r.object(n.GetObjtype(), o)
			}
		}
	case *pg_query.AlterFunctionStmt:
		r.routine(kindFunction, n.GetFunc())
	case *pg_query.AlterOperatorStmt:
		r.routine(kindOperator, n.GetOpername())
		for _, p := range n.GetOptions() {
			d := p.GetDefElem()
			if of, ok := definitions[kindOperator][d.GetDefname()]; ok {
				r.value(of, d)
			}
		}
	case *pg_query.AlterTypeStmt:
		r.list(kindType, n.GetTypeName(), 0)
	case *pg_query.AlterEnumStmt:
		r.list(kindType, n.GetTypeName(), 0)
	case *pg_query.AlterDomainStmt:
		r.list(kindType, n.GetTypeName(), 0)
		r.read(n.GetDef())
	case *pg_query.AlterCollationStmt:
		r.list(kindCollation, n.GetCollname(), 0)
	case *pg_query.AlterStatsStmt:
		r.list(kindStatistics, n.GetDefnames(), 0)
	case *pg_query.AlterTSDictionaryStmt:
		r.list(kindDictionary, n.GetDictname(), 0)
	case *pg_query.AlterTSConfigurationStmt:
		r.list(kindConfiguration, n.GetCfgname(), 0)
		for _, d := range n.GetDicts() {
			r.list(kindDictionary, d.GetList().GetItems(), 0)
		}
	default:
		return false
	}
	return true
}

// object records an object that a statement names by its type, and returns the effect of creating it; false where others of
// its name may exist, or where it is part of another object.
func (r *nameReader) object(t pg_query.ObjectType, o *pg_query.Node) (effect, bool) {
	if v := o.GetRangeVar(); v != nil {
		r.relation(v, false)
		return effect{kindName: kindName{kindRelation, v.GetRelname()}, schema: v.GetSchemaname()}, v.GetRelname() != ""
	}
	list := o.GetList().GetItems()
	switch {
	case isOneOf(t, pg_query.ObjectType_OBJECT_COLUMN, pg_query.ObjectType_OBJECT_TABCONSTRAINT, pg_query.ObjectType_OBJECT_TRIGGER,
		pg_query.ObjectType_OBJECT_RULE, pg_query.ObjectType_OBJECT_POLICY, pg_query.ObjectType_OBJECT_DEFAULT, pg_query.ObjectType_OBJECT_ATTRIBUTE):
		if len(list) > 1 { // of a relation, by a name that follows
			r.list(kindRelation, list[:len(list)-1], 0)
		}
		return effect{}, false
	case isOneOf(t, pg_query.ObjectType_OBJECT_TYPE, pg_query.ObjectType_OBJECT_DOMAIN):
		names := list
		if name := o.GetTypeName(); name != nil {
			names = name.GetNames()
		}
		r.list(kindType, names, o.GetTypeName().GetLocation())
		return effectOf(kindType, words(names))
	case isOneOf(t, pg_query.ObjectType_OBJECT_DOMCONSTRAINT, pg_query.ObjectType_OBJECT_CAST, pg_query.ObjectType_OBJECT_TRANSFORM):
		if words(list) != nil && t == pg_query.ObjectType_OBJECT_DOMCONSTRAINT && list[0].GetString_() != nil {
			r.list(kindType, list, 0)
			return effect{}, false
		}
		r.nodes(list)
		return effect{}, false
	case isOneOf(t, pg_query.ObjectType_OBJECT_FUNCTION, pg_query.ObjectType_OBJECT_PROCEDURE, pg_query.ObjectType_OBJECT_ROUTINE, pg_query.ObjectType_OBJECT_AGGREGATE):
		if isOneOf(t, pg_query.ObjectType_OBJECT_PROCEDURE, pg_query.ObjectType_OBJECT_ROUTINE) { // with output arguments, or without
			r.list(kindFunction, o.GetObjectWithArgs().GetObjname(), 0)
			r.nodes(o.GetObjectWithArgs().GetObjargs())
		} else {
			r.routine(kindFunction, o.GetObjectWithArgs())
		}
		e, _ := effectOf(kindFunction, words(o.GetObjectWithArgs().GetObjname()))
		return e, false
	case t == pg_query.ObjectType_OBJECT_OPERATOR:
		r.routine(kindOperator, o.GetObjectWithArgs())
		e, _ := effectOf(kindOperator, words(o.GetObjectWithArgs().GetObjname()))
		return e, false
	case isOneOf(t, pg_query.ObjectType_OBJECT_OPCLASS, pg_query.ObjectType_OBJECT_OPFAMILY):
		kind := byte(kindClass)
		if t == pg_query.ObjectType_OBJECT_OPFAMILY {
			kind = kindFamily
		}
		if len(list) < 2 {
			return effect{}, false
		}
		r.list(kind, list[1:], 0) // the access method comes first; classes of several share a name
		e, _ := effectOf(kind, words(list[1:]))
		return e, false
	}
	kind, ok := kindsListed[t]
	if !ok {
		return effect{}, false
	}
	r.list(kind, list, 0)
	return effectOf(kind, words(list))
}

// kindsListed are the types of objects whose names are plain lists.
var kindsListed = map[pg_query.ObjectType]byte{
	pg_query.ObjectType_OBJECT_TABLE: kindRelation, pg_query.ObjectType_OBJECT_VIEW: kindRelation, pg_query.ObjectType_OBJECT_MATVIEW: kindRelation,
	pg_query.ObjectType_OBJECT_INDEX: kindRelation, pg_query.ObjectType_OBJECT_SEQUENCE: kindRelation, pg_query.ObjectType_OBJECT_FOREIGN_TABLE: kindRelation,
	pg_query.ObjectType_OBJECT_COLLATION: kindCollation, pg_query.ObjectType_OBJECT_CONVERSION: kindConversion, pg_query.ObjectType_OBJECT_STATISTIC_EXT: kindStatistics,
	pg_query.ObjectType_OBJECT_TSCONFIGURATION: kindConfiguration, pg_query.ObjectType_OBJECT_TSDICTIONARY: kindDictionary,
	pg_query.ObjectType_OBJECT_TSPARSER: kindParser, pg_query.ObjectType_OBJECT_TSTEMPLATE: kindTemplate,
}

// move reads ALTER … SET SCHEMA.
func (r *nameReader) move(n *pg_query.AlterObjectSchemaStmt) {
	r.names.removes = true
	from, alone := r.whole(n.GetObjectType(), n.GetRelation(), n.GetObject())
	to := from
	to.schema = n.GetNewschema()
	r.replaced(from, to, alone)
}

// rename reads ALTER … RENAME, of an object or of a part of one.
func (r *nameReader) rename(n *pg_query.RenameStmt) {
	part := isOneOf(n.GetRenameType(), pg_query.ObjectType_OBJECT_COLUMN, pg_query.ObjectType_OBJECT_ATTRIBUTE, pg_query.ObjectType_OBJECT_TABCONSTRAINT,
		pg_query.ObjectType_OBJECT_DOMCONSTRAINT, pg_query.ObjectType_OBJECT_TRIGGER, pg_query.ObjectType_OBJECT_RULE, pg_query.ObjectType_OBJECT_POLICY)
	r.names.removes = true
	from, alone := r.whole(n.GetRenameType(), n.GetRelation(), n.GetObject())
	if part {
		if n.GetRenameType() == pg_query.ObjectType_OBJECT_TABCONSTRAINT { // its index goes with it
			r.effect(effect{kindName: kindName{kindRelation, n.GetNewname()}, schema: n.GetRelation().GetSchemaname()})
		}
		return
	}
	to := from
	to.name = n.GetNewname()
	r.replaced(from, to, alone)
}

// replaced records that an object gets another name or schema. Unless it was alone, others of the old name may remain.
func (r *nameReader) replaced(from, to effect, alone bool) {
	if from.name == "" {
		return
	}
	if alone {
		from.gone = true
		r.effect(from)
	}
	r.effect(to)
}

// whole records the relation or the object that a statement renames or moves.
func (r *nameReader) whole(t pg_query.ObjectType, v *pg_query.RangeVar, o *pg_query.Node) (effect, bool) {
	if v != nil {
		r.relation(v, false)
		return effect{kindName: kindName{kindRelation, v.GetRelname()}, schema: v.GetSchemaname()}, true
	}
	return r.object(t, o)
}
