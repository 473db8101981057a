package tenant

import (
	"fmt"

	"gorm.io/gorm"

	"rollcall/model"
)

// One reads the row with the given id, or says that there is none.
func One(h Bound, db *gorm.DB, into any, what, id string) error {
	o := h.org()
	if model.IsID(id) {
		r := db.Where("id = ?", id).Limit(1).Find(into)
		if r.Error != nil {
			return Translate(o.store, fmt.Errorf("read %s: %w", what, r.Error))
		}
		if r.RowsAffected == 1 {
			return nil
		}
	}
	return model.NotFoundf("there is no %s %.64q here", what, id)
}
