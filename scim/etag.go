package scim

import (
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"

	"rollcall/model"
)

// version is the version of a resource in an answer, for its entity tag and for meta.version: the
// row's number, and a mark of the groups if it is a user shown with groups. The number grows with
// each change of the resource itself. A change of a group does not change the user's number: the
// mark keeps a 304 from hiding it.
type version struct {
	number int64
	mark   string
}

// marked is the version of a user with groups as they are rendered.
func marked(number int64, groups string) version {
	h := fnv.New64a()
	_, _ = h.Write([]byte(groups)) // a hash takes everything
	return version{number, strconv.FormatUint(h.Sum64(), 36)}
}

// opaque is the part of the entity tag between the quotes.
func (v version) opaque() string {
	number := strconv.FormatInt(v.number, 10)
	if v.mark == "" {
		return number
	}
	return number + "-" + v.mark
}

// tag is the version as an entity tag. It is weak, as one version of a resource is shown in several
// ways: with more attributes and with fewer.
func (v version) tag() string { return `W/"` + v.opaque() + `"` }

// conditions are what a client expects of a resource's version before the request is carried out
// (RFC 7644 §3.14). Each is a list of entity tags, or "*" for any resource that is there, or empty.
type conditions struct{ match, noneMatch string }

func conditionsOf(h http.Header) conditions {
	return conditions{strings.Join(h.Values("If-Match"), ","), strings.Join(h.Values("If-None-Match"), ",")}
}

// check refuses to change a resource whose version is not one that the client expects. The groups
// of a user do not count, since no request for the user can change them.
func (c conditions) check(number int64) error {
	same := func(tag string) bool {
		tag, _, _ = strings.Cut(tag, "-")
		return tag == "*" || tag == strconv.FormatInt(number, 10)
	}
	if c.match != "" && !anyTag(c.match, same) {
		return &model.Error{Kind: model.Stale,
			Message: "the resource has changed since the version in If-Match; " +
				"read it again and repeat the change on it"}
	}
	if c.noneMatch != "" && anyTag(c.noneMatch, same) {
		return &model.Error{Kind: model.Stale,
			Message: "the resource is there in a version that If-None-Match rules out"}
	}
	return nil
}

// unmodified returns whether the client has this version already.
func (c conditions) unmodified(v version) bool {
	return c.noneMatch != "" && anyTag(c.noneMatch, func(tag string) bool { return tag == "*" || tag == v.opaque() })
}

// anyTag returns whether a list has an entity tag that is wanted, by the weak comparison: RFC 7644
// has weak tags in If-Match, which by RFC 9110 §13.1.1 alone would never match. A tag without its
// quotes counts, since clients copy it so.
func anyTag(list string, wanted func(string) bool) bool {
	for {
		list = strings.TrimLeft(list, " \t,")
		if list == "" {
			return false
		}
		quoted := strings.TrimPrefix(strings.TrimPrefix(list, "W/"), "w/")
		tag, rest, ok := "", "", false
		if inner, isQuoted := strings.CutPrefix(quoted, `"`); isQuoted {
			tag, rest, ok = strings.Cut(inner, `"`)
		} else {
			tag, rest, ok = strings.Cut(quoted, ",")
			tag = strings.TrimSpace(tag)
		}
		if wanted(tag) {
			return true
		}
		if !ok {
			return false
		}
		list = rest
	}
}
