package modeltest

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS is a name server on loopback, over UDP, whose answers a test sets.
type DNS struct {
	Address netip.AddrPort // where it listens

	mu      sync.Mutex
	texts   map[string][]string
	failing bool
}

// NewDNS starts a name server without any names. It ends with the test.
func NewDNS(t testing.TB) *DNS {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	d := &DNS{Address: netip.MustParseAddrPort(socket.LocalAddr().String()), texts: map[string][]string{}}
	go d.serve(socket)
	return d
}

// SetTXT sets the TXT records of a name. Each has one string of at most 255 bytes.
func (d *DNS) SetTXT(name string, texts ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[strings.ToLower(name)+"."] = texts
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
		var m dnsmessage.Message
		if m.Unpack(b[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		if answer, err := d.answer(m); err == nil {
			_, _ = socket.WriteTo(answer, from)
		}
	}
}

func (d *DNS) answer(m dnsmessage.Message) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := m.Questions[0]
	texts, known := d.texts[strings.ToLower(q.Name.String())]
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true}
	m.Additionals = nil
	switch {
	case d.failing:
		m.RCode = dnsmessage.RCodeServerFailure
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
	return m.Pack()
}
