package saml

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// limits bound the cost of parsing a document. encoding/xml has none of its own, and the worst
// messages take minutes before their signature is checked.
type limits struct {
	bytes      int
	depth      int
	elements   int
	attributes int  // of one element
	metadata   bool // comments, processing instructions and CDATA are skipped, not refused
}

var (
	messageLimits  = limits{bytes: 512 << 10, depth: 32, elements: 5000, attributes: 32}
	metadataLimits = limits{bytes: 1 << 20, depth: 32, elements: 5000, attributes: 32, metadata: true}
)

// scanner reads a document once, in place, and refuses all XML that two parsers could read
// differently. A document that passes has one root, matched tags, and no markup but elements. No
// entity, comment or CDATA section hides a text from one of the readers.
type scanner struct {
	doc      []byte
	pos      int
	limits   limits
	open     [][]byte // names of the elements that are open, the root first
	elements int
	seen     [][]byte // names of the attributes of the current tag
	clean    []byte   // the document up to copied, with normalized values of attributes
	copied   int
}

// precheck scans a document, in time and memory proportional to its length. It returns the document
// for the parser, with normalized values of attributes. The error is a *Refused.
func precheck(doc []byte, l limits) ([]byte, error) {
	s := &scanner{doc: doc, limits: l, open: make([][]byte, 0, l.depth), seen: make([][]byte, 0, l.attributes)}
	if err := s.scan(); err != nil {
		return nil, err
	}
	if s.copied == 0 {
		return doc, nil
	}
	return append(s.clean, doc[s.copied:]...), nil
}

// scan scans the document.
func (s *scanner) scan() error {
	if l := s.limits; len(s.doc) > l.bytes {
		return refuse(TooLarge, fmt.Sprintf("at most %d bytes", l.bytes), fmt.Sprintf("%d bytes", len(s.doc)))
	}
	if !utf8.Valid(s.doc) {
		return refuse(NotUTF8, "UTF-8", "other bytes")
	}
	if err := s.declaration(); err != nil {
		return err
	}
	for s.pos < len(s.doc) {
		var err error
		if s.doc[s.pos] == '<' {
			err = s.markup()
		} else {
			err = s.text()
		}
		if err != nil {
			return err
		}
	}
	if len(s.open) > 0 || s.elements == 0 {
		return s.malformed("the end of the document's element")
	}
	return nil
}

// malformed returns the error for text that is not well-formed XML.
func (s *scanner) malformed(expected string) error {
	return refuse(NotXML, fmt.Sprintf("%s at byte %d", expected, s.pos), string(s.around()))
}

// around returns the next bytes of the document, for the log.
func (s *scanner) around() []byte { return s.doc[min(s.pos, len(s.doc)):min(s.pos+40, len(s.doc))] }

// at reports whether the next bytes are the prefix.
func (s *scanner) at(prefix string) bool { return bytes.HasPrefix(s.doc[s.pos:], []byte(prefix)) }

// declaration reads an XML declaration. Two parsers could treat a declared encoding differently, so
// UTF-8 is the only one that may be declared.
func (s *scanner) declaration() error {
	const begin = "<?xml"
	if !s.at(begin) || len(s.doc) == len(begin) || !isSpace(s.doc[len(begin)]) {
		return nil
	}
	end := bytes.Index(s.doc, []byte("?>"))
	if end < 0 {
		return s.malformed("the end of the XML declaration")
	}
	declared := bytes.ToLower(s.doc[len(begin):end])
	if _, encoding, found := bytes.Cut(declared, []byte("encoding")); found {
		encoding = bytes.Trim(encoding, " \t\r\n=")
		if !bytes.HasPrefix(encoding, []byte(`"utf-8"`)) && !bytes.HasPrefix(encoding, []byte(`'utf-8'`)) {
			return refuse(NotUTF8, "UTF-8", string(encoding))
		}
	}
	_, version, _ := bytes.Cut(declared, []byte("version"))
	if !bytes.HasPrefix(bytes.Trim(version, " \t\r\n=\"'"), []byte("1.0")) {
		return s.malformed("XML version 1.0")
	}
	s.pos = end + len("?>")
	return nil
}

// markup reads what begins with "<".
func (s *scanner) markup() error {
	switch {
	case s.at("<!--"):
		return s.skip(Comment, "<!--", "-->")
	case s.at("<![CDATA["):
		if !s.limits.metadata || len(s.open) == 0 {
			return refuse(CDATA, "no CDATA section", string(s.around()))
		}
		return s.skip(CDATA, "<![CDATA[", "]]>")
	case s.at("<!"):
		return refuse(Doctype, "no document type declaration", string(s.around()))
	case s.at("<?"):
		return s.skip(ProcessingInstruction, "<?", "?>")
	case s.at("</"):
		return s.endTag()
	}
	return s.startTag()
}

// skip skips a comment or processing instruction if the limits allow them, and refuses it
// otherwise. The end may not share characters with the beginning: to a parser, <!--> is half a
// comment.
func (s *scanner) skip(reason Reason, begin, end string) error {
	if !s.limits.metadata {
		return refuse(reason, "elements and text only", string(s.around()))
	}
	inside := s.doc[s.pos+len(begin):]
	length := bytes.Index(inside, []byte(end))
	if length < 0 {
		return s.malformed(end)
	}
	s.pos += len(begin) + length + len(end)
	return nil
}

// endTag reads the end tag of the innermost open element.
func (s *scanner) endTag() error {
	s.pos += len("</")
	name, err := s.name()
	if err != nil {
		return err
	}
	s.space()
	if len(s.open) == 0 || !bytes.Equal(name, s.open[len(s.open)-1]) || !s.at(">") {
		return s.malformed("the end tag of the open element")
	}
	s.open = s.open[:len(s.open)-1]
	s.pos++
	return nil
}

// startTag reads a start tag or an empty element.
func (s *scanner) startTag() error {
	if len(s.open) == 0 && s.elements > 0 {
		return refuse(SecondRoot, "one element", string(s.around()))
	}
	if s.elements++; s.elements > s.limits.elements {
		return refuse(TooManyElements, fmt.Sprintf("at most %d elements", s.limits.elements), "")
	}
	if len(s.open) == s.limits.depth {
		return refuse(TooDeep, fmt.Sprintf("at most %d nested elements", s.limits.depth), "")
	}
	s.pos++
	name, err := s.name()
	if err != nil {
		return err
	}
	s.seen = s.seen[:0]
	for {
		spaced := s.space()
		switch {
		case s.at("/>"):
			s.pos += len("/>")
			return nil
		case s.at(">"):
			s.pos += len(">")
			s.open = append(s.open, name)
			return nil
		case !spaced:
			return s.malformed("the end of the tag")
		}
		if err := s.attribute(); err != nil {
			return err
		}
	}
}

// attribute reads an attribute of a start tag.
func (s *scanner) attribute() error {
	name, err := s.name()
	if err != nil {
		return err
	}
	for _, other := range s.seen {
		if bytes.Equal(name, other) {
			return refuse(DuplicateAttribute, "each attribute once", string(name))
		}
	}
	if s.seen = append(s.seen, name); len(s.seen) > s.limits.attributes {
		return refuse(TooManyAttributes, fmt.Sprintf("at most %d attributes", s.limits.attributes), "")
	}
	s.space()
	if !s.at("=") {
		return s.malformed("=")
	}
	s.pos++
	s.space()
	if !s.at(`"`) && !s.at("'") {
		return s.malformed("a quoted value")
	}
	quote := s.doc[s.pos]
	s.pos++
	start := s.pos
	for s.pos < len(s.doc) && s.doc[s.pos] != quote {
		if s.doc[s.pos] == '<' {
			return s.malformed("no < in a value")
		}
		if err := s.character(); err != nil {
			return err
		}
	}
	if s.pos == len(s.doc) {
		return s.malformed("the end of the value")
	}
	s.normalize(start)
	s.pos++
	return nil
}

// normalize replaces each tab and line end of the value of an attribute, from start to the current
// position, by a space (XML §3.3.3 and §2.11). A parser must do that, and signers' parsers do, but
// encoding/xml does not; and in its tree, a character reference, which is kept, is the same.
func (s *scanner) normalize(start int) {
	value := s.doc[start:s.pos]
	if !bytes.ContainsAny(value, "\t\n\r") {
		return
	}
	s.clean = append(s.clean, s.doc[s.copied:start]...)
	for i, b := range value {
		switch {
		case b == '\n' && i > 0 && value[i-1] == '\r':
			// The line end is one space already.
		case isSpace(b):
			s.clean = append(s.clean, ' ')
		default:
			s.clean = append(s.clean, b)
		}
	}
	s.copied = s.pos
}

// text reads up to the next "<".
func (s *scanner) text() error {
	for s.pos < len(s.doc) && s.doc[s.pos] != '<' {
		if len(s.open) == 0 && !isSpace(s.doc[s.pos]) {
			if bytes.IndexByte(s.doc, '<') < 0 {
				return s.malformed("<")
			}
			return refuse(TextOutsideRoot, "nothing around the document", string(s.around()))
		}
		if s.doc[s.pos] == ']' && s.at("]]>") {
			return s.malformed("no ]]>")
		}
		if err := s.character(); err != nil {
			return err
		}
	}
	return nil
}
