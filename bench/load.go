package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// connection is one keep-alive connection of HTTP/1.1. It is written by hand to use little CPU
// time, because the client runs on the same machine as the server that it measures.
type connection struct {
	net.Conn
	address, token string
	in             *bufio.Reader
	out            []byte
}

// dial opens a connection that sends a bearer token.
func dial(address, token string) (*connection, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, address: address, token: token, in: bufio.NewReaderSize(c, 64<<10)}, nil
}

// call is one request, with the status that its response must have.
type call struct {
	method, path string
	body         []byte
	status       int
}

// send sends a request and passes the body of the response to take, which may be nil.
func (c *connection) send(r call, take func([]byte) error) error {
	b := append(c.out[:0], r.method...)
	b = append(append(append(b, ' '), r.path...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, c.address...), "\r\nAuthorization: Bearer "...)
	b = append(b, c.token...)
	if r.body != nil {
		b = append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(r.body)), 10)
	}
	b = append(append(b, "\r\n\r\n"...), r.body...)
	c.out = b
	if _, err := c.Write(b); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.in, &http.Request{Method: r.method})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != r.status {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return fmt.Errorf("%s %s: status %d, want %d: %s", r.method, r.path, answer.StatusCode, r.status, text)
	}
	if take == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return take(text)
}

// sample is the result of one round of a workload.
type sample struct {
	rate             float64       // requests per second
	server, database time.Duration // CPU time per request
}

// cpu returns the CPU time per request of the server and its database.
func (s sample) cpu() time.Duration { return s.server + s.database }

// load sends the requests that next returns over n connections for a time. Each connection sends
// one request after another.
func (t *target) load(n int, lasting time.Duration, next func(connection int) call) (sample, error) {
	connections := make([]*connection, n)
	for i := range connections {
		var err error
		if connections[i], err = dial(t.address, t.token); err != nil {
			return sample{}, err
		}
		defer connections[i].Close()
		// The first request is not measured, because it initializes caches and database
		// connections.
		if err := connections[i].send(next(i), nil); err != nil {
			return sample{}, err
		}
	}
	server, database, err := t.used()
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	var all sync.WaitGroup
	counts, errs := make([]int, n), make([]error, n)
	for i, c := range connections {
		all.Go(func() {
			for errs[i] == nil && time.Since(began) < lasting {
				errs[i] = c.send(next(i), nil)
				counts[i]++
			}
		})
	}
	all.Wait()
	took, done := time.Since(began), 0
	for i := range counts {
		if errs[i] != nil {
			return sample{}, errs[i]
		}
		done += counts[i]
	}
	serverAfter, databaseAfter, err := t.used()
	if err != nil {
		return sample{}, err
	}
	return sample{
		rate:     float64(done) / took.Seconds(),
		server:   (serverAfter - server) / time.Duration(done),
		database: (databaseAfter - database) / time.Duration(done),
	}, nil
}
