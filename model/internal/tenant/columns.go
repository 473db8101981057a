package tenant

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"rollcall/model"
)

// RowColumn is a column of a table as hand-written SQL reads and writes it.
type RowColumn struct {
	*schema.Field
	index int          // of the field in the struct of the row
	plain reflect.Type // a pointer to the basic type that the field has; nil where it has none
	cast  string       // of a parameter on PostgreSQL
}

// rowColumns are columns of the table whose rows are of type T, in the order of
// T's fields or as they were picked. They are made from GORM's schema when the
// program starts, so that a new field cannot be missing in hand-written SQL.
type rowColumns[T any] struct {
	Table string
	list  []RowColumn
	err   error // why there are none
}

// basic are the types that database/sql scans into without reflection.
var basic = map[reflect.Kind]struct {
	pointer reflect.Type
	cast    string
}{
	reflect.String: {reflect.TypeFor[*string](), "text"},
	reflect.Int64:  {reflect.TypeFor[*int64](), "bigint"},
	reflect.Bool:   {reflect.TypeFor[*bool](), "boolean"},
}

// ColumnsOf lists all columns of a table.
func ColumnsOf[T any]() rowColumns[T] {
	parsed, err := schema.Parse(new(T), &sync.Map{}, schema.NamingStrategy{})
	if err != nil {
		return rowColumns[T]{err: fmt.Errorf("columns of %T: %w", *new(T), err)}
	}
	c := rowColumns[T]{Table: parsed.Table}
	for _, f := range parsed.Fields {
		if f.DBName == "" {
			continue
		}
		col := RowColumn{Field: f, index: f.StructField.Index[0], cast: "text"}
		if known, ok := basic[f.FieldType.Kind()]; ok && f.Serializer == nil {
			col.plain, col.cast = known.pointer, known.cast
		}
		if typed, ok := reflect.Zero(f.FieldType).Interface().(interface{ PostgresType() string }); ok {
			col.cast = typed.PostgresType()
		}
		c.list = append(c.list, col)
	}
	return c
}

// Where returns the columns of which keep is true.
func (c rowColumns[T]) Where(keep func(RowColumn) bool) rowColumns[T] {
	kept := rowColumns[T]{Table: c.Table, err: c.err}
	for _, col := range c.list {
		if keep(col) {
			kept.list = append(kept.list, col)
		}
	}
	return kept
}

// Pick returns the columns of the fields with these names, in this order.
func (c rowColumns[T]) Pick(fields ...string) rowColumns[T] {
	picked := rowColumns[T]{Table: c.Table, err: c.err}
	for _, name := range fields {
		i := slices.IndexFunc(c.list, func(col RowColumn) bool { return col.Name == name })
		picked.list = append(picked.list, c.list[i])
	}
	return picked
}

// Readable are the columns that reading a row needs: without the organization,
// which each statement names itself, and without those that are only for filters.
func (c rowColumns[T]) Readable() rowColumns[T] {
	return c.Where(func(col RowColumn) bool {
		_, unread := reflect.Zero(col.FieldType).Interface().(schema.QueryClausesInterface)
		return col.FieldType != reflect.TypeFor[model.OrganizationID]() && !unread
	})
}

// Derived tells of a column whether it is the document or follows from it.
func (c RowColumn) Derived() bool { return c.Name == "Document" || c.Tag.Get("model") == "derived" }

// updatable tells of a column whether a row that exists may get another value.
func (c RowColumn) Writable() bool { return c.Updatable && !c.PrimaryKey }

// each joins a text for each column by commas.
func (c rowColumns[T]) each(text func(RowColumn) string) string {
	var texts []string
	for _, col := range c.list {
		texts = append(texts, text(col))
	}
	return strings.Join(texts, ", ")
}

// Names are the columns as an INSERT or an UPDATE lists them.
func (c rowColumns[T]) Names() string {
	return c.each(func(col RowColumn) string { return col.DBName })
}

// Selected are the columns as a SELECT lists them, with the table or its alias.
func (c rowColumns[T]) Selected(from string) string {
	return c.each(func(col RowColumn) string { return from + "." + col.DBName })
}

// Parameters are a parameter for each column.
func (c rowColumns[T]) Parameters() string {
	return c.each(func(col RowColumn) string { return "?::" + col.cast })
}

// Values are what the parameters stand for.
func (c rowColumns[T]) Values(ctx context.Context, of *T) ([]any, error) {
	row := reflect.ValueOf(of).Elem()
	values := make([]any, len(c.list))
	for i := range c.list {
		col := &c.list[i]
		field := row.Field(col.index)
		if col.Serializer != nil {
			v, err := col.Serializer.Value(ctx, col.Field, row, field.Interface())
			if err != nil {
				return nil, fmt.Errorf("write %s: %w", col.DBName, err)
			}
			values[i] = v
			continue
		}
		switch p := col.pointer(field).(type) {
		case *string:
			values[i] = *p
		case *int64:
			values[i] = *p
		case *bool:
			values[i] = *p
		default:
			values[i] = field.Interface()
		}
	}
	return values, c.err
}

// Pointers are where a row's columns are scanned to.
func (c rowColumns[T]) Pointers(of *T) []any {
	row := reflect.ValueOf(of).Elem()
	to := make([]any, 0, len(c.list)+1)
	for i := range c.list {
		col := &c.list[i]
		if col.Serializer != nil {
			to = append(to, &serialized{col.Field, row})
			continue
		}
		to = append(to, col.pointer(row.Field(col.index)))
	}
	return to
}

// pointer returns a pointer to a field, as one to its basic type where it has one.
func (c *RowColumn) pointer(field reflect.Value) any {
	switch p := field.Addr().Interface().(type) { // the commonest, as Convert takes ten times as long
	case *string, *int64, *bool, **string:
		return p
	case *model.Time:
		return (*int64)(p)
	}
	if c.plain == nil {
		return field.Addr().Interface()
	}
	return field.Addr().Convert(c.plain).Interface()
}

// serialized is a field that GORM's serializer reads.
type serialized struct {
	field *schema.Field
	row   reflect.Value
}

var _ sql.Scanner = &serialized{}

// Scan sets the field.
func (s *serialized) Scan(value any) error {
	return s.field.Serializer.Scan(context.Background(), s.field, s.row, value)
}

// Named writes a part of a statement whose parameters have names, each @name in
// the text for one of values, with parameters by position: the parts that are
// shared with GORM have those. The database refuses the statement when a name has
// no value, and the driver when a value has no name.
func Named(text string, values map[string]any) clause.Expr {
	var b strings.Builder
	var seen []string
	e := clause.Expr{Vars: make([]any, 0, len(values))}
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "@")
		b.WriteString(before)
		if !found {
			break
		}
		rest = strings.TrimLeft(after, "abcdefghijklmnopqrstuvwxyz_")
		name := after[:len(after)-len(rest)]
		value, ok := values[name]
		if !ok {
			b.WriteString("@" + name)
			continue
		}
		if !slices.Contains(seen, name) {
			seen = append(seen, name)
		}
		b.WriteByte('?')
		e.Vars = append(e.Vars, value)
	}
	for range len(values) - len(seen) {
		e.Vars = append(e.Vars, nil)
	}
	e.SQL = b.String()
	return e
}
