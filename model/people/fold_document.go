package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"rollcall/model/internal/tenant"
	"rollcall/scim/jsontext"
)

// foldedDocument is the column with a resource's document as filters compare it: names and texts
// folded, moments in UTC and in one form. So both databases compare alike, and need to know nothing
// of case, time or Unicode. The column is written with the document and never read: a field of this
// type leaves it out of each SELECT, because it would double a page of resources. The field itself
// holds what User.Parse has read of the document.
type foldedDocument struct{ read *readDocument }

// Equal is always true: what differs is the document.
func (foldedDocument) Equal(foldedDocument) bool { return true }

// Value makes the column from the row's document.
func (foldedDocument) Value(ctx context.Context, f *schema.Field, row reflect.Value, _ any) (any, error) {
	document, _ := f.Schema.LookUpField("Document").ValueOf(ctx, row)
	text, _ := document.(string)
	return foldDocument(text)
}

// PostgresType is the column's type on PostgreSQL.
func (foldedDocument) PostgresType() string { return "jsonb" }

// Scan leaves what a RETURNING brings.
func (foldedDocument) Scan(context.Context, *schema.Field, reflect.Value, any) error { return nil }

// QueryClauses leaves the column out of reads.
func (foldedDocument) QueryClauses(f *schema.Field) []clause.Interface {
	return []clause.Interface{unread{f.DBName}}
}

// unread keeps a column from being selected where no columns are named.
type unread struct{ column string }

func (unread) Name() string               { return "" }
func (unread) Build(clause.Builder)       {}
func (unread) MergeClause(*clause.Clause) {}

// ModifyStatement leaves the column out.
func (u unread) ModifyStatement(stmt *gorm.Statement) {
	if len(stmt.Selects) == 0 {
		stmt.Omits = append(slices.Clip(stmt.Omits), u.column)
	}
}

// foldDocument makes the folded form of a document, which is JSON that this
// package wrote. Only its strings change, names and values alike.
func foldDocument(text string) (string, error) {
	if text == "" {
		return "{}", nil
	}
	var failed error
	replace := func(b []byte, quoted string) []byte {
		b, err := appendFolded(b, quoted)
		if err != nil {
			failed = fmt.Errorf("fold document: %w", err)
		}
		return b
	}
	folded := jsontext.AppendReplacing(make([]byte, 0, len(text)+len(text)/8), text, replace)
	if failed != nil {
		return "", failed
	}
	return string(folded), nil
}

// appendFolded appends a string, with its quotes, folded.
func appendFolded(b []byte, quoted string) ([]byte, error) {
	if len(quoted) < 2 || quoted[len(quoted)-1] != '"' {
		return b, errors.New("a string has no end")
	}
	if t, ok := tenant.ParseMoment(quoted[1 : len(quoted)-1]); ok {
		b = append(b, '"')
		b = t.UTC().AppendFormat(b, tenant.MomentLayout)
		return append(b, '"'), nil
	}
	before := len(b)
	b = append(b, quoted...)
	for i, c := range b[before:] {
		if c >= 0x80 || c == '\\' {
			return appendDecoded(b[:before], quoted)
		}
		if c >= 'A' && c <= 'Z' {
			b[before+i] = c + 'a' - 'A'
		}
	}
	return b, nil
}

// appendDecoded is appendFolded for a string that is not ASCII or has escapes.
func appendDecoded(b []byte, quoted string) ([]byte, error) {
	var s string
	if err := json.Unmarshal([]byte(quoted), &s); err != nil {
		return b, err
	}
	folded, err := tenant.Marshal(tenant.FoldText(s))
	return append(b, folded...), err
}

// Completions are what completes a migration, by its name.
var Completions = map[string]func(*gorm.DB) error{
	"0003_filter_index": foldStored, "0026_user_name_width": foldNames,
}

// foldNames folds the stored userNames anew. Where two users would have one name now, the row of
// one keeps its form until its userName changes, and nothing is merged or removed. It is the row
// whose form is not that of tenant.FoldName.
func foldNames(db *gorm.DB) error {
	ctx := db.Statement.Context
	const batch = 500
	kept := 0
	var rows []User
	for last := ""; ; last = rows[len(rows)-1].ID {
		rows = nil
		page := db.WithContext(ctx).Select("id", "organization_id", "user_name", "user_name_folded")
		if err := page.Where("id > ?", last).Order("id").Limit(batch).Find(&rows).Error; err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		for _, u := range rows {
			folded := tenant.FoldName(u.UserName)
			if folded == u.UserNameFolded {
				continue
			}
			var others int64
			same := db.WithContext(ctx).Model(&User{}).
				Where("organization_id = ? AND user_name_folded = ?", u.OrganizationID, folded)
			if err := same.Count(&others).Error; err != nil {
				return err
			}
			if others > 0 {
				kept++
				continue
			}
			row := db.WithContext(ctx).Model(&User{}).Where("id = ?", u.ID)
			if err := row.UpdateColumn("user_name_folded", folded).Error; err != nil {
				return err
			}
		}
	}
	if kept > 0 {
		slog.WarnContext(ctx, "some userNames differ from another one only in the width of characters", "users", kept)
	}
	return nil
}

// foldStored writes the folded document of the rows that are older than the column.
func foldStored(db *gorm.DB) error {
	ctx := db.Statement.Context
	if err := foldRows[User](ctx, db); err != nil {
		return err
	}
	return foldRows[DirectoryGroup](ctx, db)
}

func foldRows[T any](ctx context.Context, db *gorm.DB) error {
	const batch = 500
	var rows []struct{ ID, Document string }
	for last := ""; ; last = rows[len(rows)-1].ID {
		rows = nil
		page := db.WithContext(ctx).Model(new(T)).Select("id", "document")
		if err := page.Where("id > ?", last).Order("id").Limit(batch).Find(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			folded, err := foldDocument(r.Document)
			if err != nil {
				return err
			}
			row := db.WithContext(ctx).Model(new(T)).Where("id = ?", r.ID)
			if err := row.UpdateColumn("document_folded", folded).Error; err != nil {
				return err
			}
		}
	}
}
