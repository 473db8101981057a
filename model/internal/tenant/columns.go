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

// RowColumn is a column of a table for hand-written SQL.
type RowColumn struct {
	*schema.Field
	index int          // of the field in the struct of the row
	plain reflect.Type // a pointer to the basic type of the field; nil when that is not basic
	cast  string       // of a parameter on PostgreSQL
}

// Derived tells whether the column is the document or follows from it.
func (c RowColumn) Derived() bool { return c.Name == "Document" || c.Tag.Get("model") == "derived" }

// Writable tells whether an existing row may get another value in the column.
func (c RowColumn) Writable() bool { return c.Updatable && !c.PrimaryKey }

// pointer returns a pointer to a field, of the field's basic type if it has one.
func (c *RowColumn) pointer(field reflect.Value) any {
	switch p := field.Addr().Interface().(type) { // the commonest ones, because Convert takes ten times as long
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

// rowColumns are columns of the table whose rows are of type T, in the order of T's fields or in
// the order of Pick. They are made from GORM's schema when the program starts, so that hand-written
// SQL has every new field.
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

// Where returns the columns for which keep is true.
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

// Readable returns the columns that reading a row needs. The organization is not among them,
// because each statement names it, and neither are columns that are only for filters.
func (c rowColumns[T]) Readable() rowColumns[T] {
	return c.Where(func(col RowColumn) bool {
		_, unread := reflect.Zero(col.FieldType).Interface().(schema.QueryClausesInterface)
		return col.FieldType != reflect.TypeFor[model.OrganizationID]() && !unread
	})
}

// each joins the texts of the columns by commas.
func (c rowColumns[T]) each(text func(RowColumn) string) string {
	var texts []string
	for _, col := range c.list {
		texts = append(texts, text(col))
	}
	return strings.Join(texts, ", ")
}

// Names returns the columns as an INSERT or an UPDATE lists them.
func (c rowColumns[T]) Names() string {
	return c.each(func(col RowColumn) string { return col.DBName })
}

// Selected returns the columns as a SELECT lists them, with the table or its alias.
func (c rowColumns[T]) Selected(from string) string {
	return c.each(func(col RowColumn) string { return from + "." + col.DBName })
}

// Returning makes a write of GORM answer with the columns by their names. No statement says *: the
// driver of PostgreSQL keeps statements prepared, and one with * fails as soon as a newer program
// adds a column.
func (c rowColumns[T]) Returning() clause.Returning {
	var r clause.Returning
	for _, col := range c.list {
		r.Columns = append(r.Columns, clause.Column{Name: col.DBName})
	}
	return r
}

// Parameters returns a parameter for each column.
func (c rowColumns[T]) Parameters() string {
	return c.each(func(col RowColumn) string { return "?::" + col.cast })
}

// Values returns the values of the parameters.
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

// Pointers returns what Rows.Scan needs to read the columns into a row.
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

// ValueAttribute says which attribute a row of user_values has a value of, for the writers of the
// rows and for the filters.
type ValueAttribute int64

// The attributes with rows in user_values.
const (
	EmailsAttribute  ValueAttribute = 1
	ManagerAttribute ValueAttribute = 3
)

// String returns the attribute's SCIM name.
func (a ValueAttribute) String() string {
	return [...]string{EmailsAttribute: "emails", ManagerAttribute: "manager"}[a]
}
