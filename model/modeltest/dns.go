package modeltest

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS is a name server on loopback, over UDP and TCP, whose answers a test sets.
type DNS struct {
	Address netip.AddrPort // where it listens

	mu      sync.Mutex
	texts   map[string][]string
	records map[string][]dnsmessage.Resource
	failing bool
	forge   func(*dnsmessage.Message) // changes what UDP answers first
}

// NewDNS starts a name server without any names. It ends with the test.
func NewDNS(t testing.TB) *DNS {
	t.Helper()
	socket, streams := listenDNS(t)
	t.Cleanup(func() { _, _ = socket.Close(), streams.Close() })
	d := &DNS{Address: netip.MustParseAddrPort(socket.LocalAddr().String()), texts: map[string][]string{},
		records: map[string][]dnsmessage.Resource{}}
	go d.serve(socket)
	go d.serveStreams(streams)
	return d
}

// SetTXT sets the TXT records of a name. Each has one string of at most 255 bytes.
func (d *DNS) SetTXT(name string, texts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[strings.ToLower(name)+"."] = texts
}

// SetRecords sets all that the server answers for a name, with the records' own names.
func (d *DNS) SetRecords(name string, records ...dnsmessage.Resource) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[strings.ToLower(name)+"."] = records
}

// Forge sets what is done to a copy of each answer over UDP, which is sent before the answer.
func (d *DNS) Forge(forge func(*dnsmessage.Message)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forge = forge
}

// Fail sets whether the server answers SERVFAIL.
func (d *DNS) Fail(failing bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = failing
}

func (d *DNS) serve(socket net.PacketConn) {
	b := make([]byte, 1<<12)
	for {
		n, from, err := socket.ReadFrom(b)
		if err != nil {
			return
		}
		for _, answer := range d.answers(b[:n], true) {
			_, _ = socket.WriteTo(answer, from)
		}
	}
}

// serveStreams answers one question of each connection, one after the other.
func (d *DNS) serveStreams(streams net.Listener) {
	for {
		conn, err := streams.Accept()
		if err != nil {
			return
		}
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		var size [2]byte
		_, _ = io.ReadFull(conn, size[:])
		b := make([]byte, binary.BigEndian.Uint16(size[:]))
		_, _ = io.ReadFull(conn, b)
		for _, answer := range d.answers(b, false) {
			_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
		}
		_ = conn.Close()
	}
}

// answers packs what the server sends back for a question. Over UDP, what is longer than 1232 bytes
// is truncated.
func (d *DNS) answers(question []byte, udp bool) (packed [][]byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var m dnsmessage.Message
	if m.Unpack(question) != nil || len(m.Questions) != 1 {
		return nil
	}
	d.answer(&m)
	if udp && d.forge != nil {
		forged := m
		d.forge(&forged)
		if b, err := forged.Pack(); err == nil {
			packed = append(packed, b)
		}
	}
	b, err := m.Pack()
	if udp && len(b) > 1232 {
		m.Truncated, m.Answers = true, nil
		b, err = m.Pack()
	}
	if err != nil {
		return packed
	}
	return append(packed, b)
}

func (d *DNS) answer(m *dnsmessage.Message) {
	q := m.Questions[0]
	records, set := d.records[strings.ToLower(q.Name.String())]
	texts, known := d.texts[strings.ToLower(q.Name.String())]
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true}
	m.Additionals = nil
	switch {
	case d.failing:
		m.RCode = dnsmessage.RCodeServerFailure
	case set:
		m.Answers = records
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeTXT:
		for _, text := range texts {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{
					Name: q.Name, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET, TTL: 60,
				},
				Body: &dnsmessage.TXTResource{TXT: []string{text}},
			})
		}
	}
}

// listenDNS listens over UDP and TCP at the same port.
func listenDNS(t testing.TB) (socket net.PacketConn, streams net.Listener) {
	t.Helper()
	var err error
	for range 20 { // the port may be taken for the other protocol
		if socket, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			continue
		}
		if streams, err = net.Listen("tcp", socket.LocalAddr().String()); err == nil {
			return socket, streams
		}
		_ = socket.Close()
	}
	t.Fatal(err)
	return nil, nil
}
