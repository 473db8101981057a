package sso_test

import (
	"github.com/beevik/etree"

	"rollcall/sso/saml"
)

// wrapped is a signed response that is rearranged. The evil assertion or response has the
// attacker's NameID and no signature. The original is still valid at its new place.
type wrapped struct {
	g        genuine
	document *etree.Document
	root     *etree.Element // the response
	original *etree.Element // the assertion
	evil     *etree.Element // a copy of it with another NameID
}

// wrap begins to rearrange a response. With the same ID, the evil one is called as the original.
func (g genuine) wrap(p place, sameID bool) *wrapped {
	d := g.signed(p)
	w := &wrapped{g: g, document: d, root: d.Root(), original: find(g.t, d, "/Response/Assertion")}
	w.evil = evil(g, w.original, sameID)
	return w
}

func evil(g genuine, original *etree.Element, sameID bool) *etree.Element {
	el := original.Copy()
	for _, sig := range el.FindElements(".//Signature") {
		sig.Parent().RemoveChild(sig)
	}
	el.FindElement(".//NameID").SetText(attacker)
	if !sameID {
		el.CreateAttr("ID", "_evil")
	}
	return el
}

// swap puts the evil assertion in the original's place, and takes the original out.
func (w *wrapped) swap() {
	index := w.original.Index()
	w.root.RemoveChildAt(index)
	w.root.InsertChildAt(index, w.evil)
}

// takeSignature moves the signature that is there to the evil assertion, or to where it is on the
// response, and returns it.
func (w *wrapped) takeSignature() *etree.Element {
	if sig := w.original.FindElement("./Signature"); sig != nil {
		w.original.RemoveChild(sig)
		w.evil.InsertChildAt(1, sig)
		return sig
	}
	return w.root.FindElement("./Signature")
}

// within makes an element in a parent, at an index or at the end.
func within(parent *etree.Element, index int, tag string) *etree.Element {
	el := etree.NewElement(tag)
	if index < 0 {
		parent.AddChild(el)
	} else {
		parent.InsertChildAt(index, el)
	}
	return el
}

// outer makes an evil response around: root of the document instead of the original, with the
// original's signature, if it has one, for itself.
func (w *wrapped) outer(sameID, keep bool) (evilRoot, original, sig *etree.Element) {
	original = w.root
	evilRoot = evil(w.g, original, true)
	if !sameID {
		evilRoot.CreateAttr("ID", "_evil-response")
		evilRoot.FindElement("./Assertion").CreateAttr("ID", "_evil")
	}
	w.document.SetRoot(evilRoot)
	if sig = original.FindElement("./Signature"); sig == nil {
		sig = original.FindElement("./Assertion/Signature")
	}
	if !keep {
		sig.Parent().RemoveChild(sig)
		evilRoot.InsertChildAt(1, sig)
	}
	return evilRoot, original, sig
}

// shape is one way to wrap, with the reason for which it is refused when the evil one has an ID of
// its own.
type shape struct {
	name  string
	apply func(w *wrapped, sameID bool)
	want  saml.Reason
}

var shapes = []shape{
	{"evil assertion before the original (XSW3)", func(w *wrapped, _ bool) {
		w.root.InsertChildAt(w.original.Index(), w.evil)
	}, saml.SeveralAssertions},
	{"evil assertion after the original", func(w *wrapped, _ bool) {
		w.root.AddChild(w.evil)
	}, saml.SeveralAssertions},
	{"evil assertion around the original (XSW4)", func(w *wrapped, _ bool) {
		w.swap()
		w.evil.AddChild(w.original)
	}, saml.MisplacedAssertion},
	{"evil assertion inside the original", func(w *wrapped, _ bool) {
		w.original.AddChild(w.evil)
	}, saml.MisplacedAssertion},
	{"evil assertion with the signature, the original appended (XSW5)", func(w *wrapped, _ bool) {
		w.swap()
		w.takeSignature()
		w.root.AddChild(w.original)
	}, saml.SeveralAssertions},
	{"the original inside the signature (XSW6)", func(w *wrapped, _ bool) {
		w.swap()
		w.takeSignature().AddChild(w.original)
	}, saml.MisplacedAssertion},
	{"evil assertion in Extensions (XSW7)", func(w *wrapped, _ bool) {
		within(w.root, 1, "samlp:Extensions").AddChild(w.evil)
	}, saml.MisplacedAssertion},
	{"the original in Extensions", func(w *wrapped, _ bool) {
		w.swap()
		within(w.root, 1, "samlp:Extensions").AddChild(w.original)
	}, saml.MisplacedAssertion},
	{"the original in ds:Object (XSW8)", func(w *wrapped, _ bool) {
		w.swap()
		within(w.takeSignature(), -1, "ds:Object").AddChild(w.original)
	}, saml.SignatureObject},
	{"the original in KeyInfo", func(w *wrapped, _ bool) {
		w.swap()
		w.takeSignature().FindElement("./KeyInfo").AddChild(w.original)
	}, saml.MisplacedAssertion},
	{"the original in Advice", func(w *wrapped, _ bool) {
		w.swap()
		within(w.evil, 3, "saml:Advice").AddChild(w.original)
	}, saml.MisplacedAssertion},
	{"the original in StatusDetail", func(w *wrapped, _ bool) {
		w.swap()
		within(w.root.FindElement("./Status"), -1, "samlp:StatusDetail").AddChild(w.original)
	}, saml.MisplacedAssertion},
	{"the original in a foreign element", func(w *wrapped, _ bool) {
		w.swap()
		foreign := within(w.root, -1, "x:Foreign")
		foreign.CreateAttr("xmlns:x", "urn:x")
		foreign.AddChild(w.original)
	}, saml.MisplacedAssertion},
	{"the original in an AttributeValue", func(w *wrapped, _ bool) {
		w.swap()
		w.evil.FindElement(".//AttributeValue").AddChild(w.original)
	}, saml.MisplacedAssertion},
	{"the original in SubjectConfirmationData", func(w *wrapped, _ bool) {
		w.swap()
		w.evil.FindElement(".//SubjectConfirmationData").AddChild(w.original)
	}, saml.MisplacedAssertion},
	{"evil response with the original in the signature's Object (XSW1)", func(w *wrapped, sameID bool) {
		_, original, sig := w.outer(sameID, false)
		within(sig, -1, "ds:Object").AddChild(original)
	}, saml.SignatureObject},
	{"evil response with the original beside the signature (XSW2)", func(w *wrapped, sameID bool) {
		root, original, _ := w.outer(sameID, false)
		root.InsertChildAt(1, original)
	}, saml.MisplacedAssertion},
	{"evil response with the original at its end", func(w *wrapped, sameID bool) {
		root, original, _ := w.outer(sameID, true)
		root.AddChild(original)
	}, saml.MisplacedAssertion},
	{"evil response with the original in Extensions", func(w *wrapped, sameID bool) {
		root, original, _ := w.outer(sameID, false)
		within(root, 1, "samlp:Extensions").AddChild(original)
	}, saml.MisplacedAssertion},
	{"evil response with the original in StatusDetail", func(w *wrapped, sameID bool) {
		root, original, _ := w.outer(sameID, false)
		within(root.FindElement("./Status"), -1, "samlp:StatusDetail").AddChild(original)
	}, saml.MisplacedAssertion},
	{"evil response inside the original's Extensions", func(w *wrapped, sameID bool) {
		root, original, _ := w.outer(sameID, true)
		w.document.SetRoot(original)
		within(original, 1, "samlp:Extensions").AddChild(root)
	}, saml.MisplacedAssertion},
}

// wrappings are all shapes of signature wrapping, each for whatever was signed.
func wrappings() []attack {
	var all []attack
	for _, p := range places {
		for _, s := range shapes {
			for _, sameID := range []bool{false, true} {
				name, want := p.name+", new ID: "+s.name, s.want
				if sameID {
					name, want = p.name+", same ID: "+s.name, saml.DuplicateID
				}
				all = append(all, attack{"wrapping", name, func(g genuine) string {
					w := g.wrap(p, sameID)
					s.apply(w, sameID)
					return posted(text(g.t, w.document))
				}, want})
			}
		}
	}
	return all
}
