package model_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/model"
)

func TestError(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	e := &model.Error{Kind: model.Conflict, Field: "slug", Message: "taken", Err: cause}
	if e.Error() != "taken: cause" || !errors.Is(e, cause) ||
		model.KindOf(errors.Join(cause, e)) != model.Conflict || model.KindOf(cause) != model.Internal {
		t.Error(e)
	}
	var got []model.Kind
	for _, err := range []error{
		model.Invalidf("a", "b"), model.NotFoundf("a"), model.Conflictf("a", "b"), model.Deniedf("a"),
	} {
		got = append(got, model.KindOf(err))
	}
	if diff := cmp.Diff([]model.Kind{model.Invalid, model.NotFound, model.Conflict, model.Denied}, got); diff != "" {
		t.Error(diff)
	}
}
