//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"
)

// callers are SIP clients on one socket: INVITE, ACK, BYE, with the retransmissions of RFC 3261, 17.1. They know as much of SIP as it
// takes to be answered.
type callers struct {
	socket *socket
	to     netip.AddrPort
	rtp    uint16
	calls  []*caller
	live   []*caller // not over

	answered, failed, resent int
	refused                  map[int]int // by status code
	setups, byes             []time.Duration
}

type caller struct {
	n        int
	state    string // "INVITE", "ACK", "BYE", "over"
	sent     time.Time
	again    time.Time // when it is sent again
	wait     time.Duration
	end      time.Time
	party    []byte // To of the answer
	contact  []byte
	confirms []byte // the ACK
}

const (
	t1       = 500 * time.Millisecond // RFC 3261, 17.1.1.1
	patience = 32 * time.Second       // timers B and F
)

func newCallers(to string, rtp uint16) (*callers, error) {
	at, err := netip.ParseAddrPort(to)
	if err != nil {
		return nil, err
	}
	s, err := newSocket(8 << 20)
	if err != nil {
		return nil, err
	}
	return &callers{socket: s, to: at, rtp: rtp, refused: map[int]int{}}, nil
}

func (c *callers) begun() int { return len(c.calls) }
func (c *callers) over() bool { return len(c.live) == 0 }

// probe waits until the program answers.
func (c *callers) probe(most time.Duration) error {
	for until := time.Now().Add(most); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		c.socket.send(c.request("OPTIONS", 1, &caller{n: -1}, ""), c.to)
		time.Sleep(100 * time.Millisecond)
		heard := false
		c.socket.drain(func([]byte, netip.AddrPort, time.Time) { heard = true })
		if heard {
			return nil
		}
	}
	return fmt.Errorf("nobody answers at %v", c.to)
}

func (c *callers) call(now, end time.Time) {
	k := &caller{n: len(c.calls), state: "INVITE", end: end}
	c.calls, c.live = append(c.calls, k), append(c.live, k)
	c.start(k, now)
}

// start sends the request of the caller's state for the first time.
func (c *callers) start(k *caller, now time.Time) {
	k.sent, k.wait, k.again = time.Now(), t1, now.Add(t1)
	c.resend(k)
}

func (c *callers) resend(k *caller) {
	if k.state == "INVITE" {
		c.socket.send(c.request("INVITE", 1, k, c.description()), c.to)
	} else {
		c.socket.send(c.request("BYE", 2, k, ""), c.to)
	}
}

func (c *callers) description() string {
	at := c.socket.addr.Addr()
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP 0 101\r\n"+
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n", at, c.rtp)
}

// request makes one. Its branch tells the call and the method.
func (c *callers) request(method string, seq int, k *caller, body string) []byte {
	uri, party := fmt.Sprintf("sip:1@%v", c.to), []byte(fmt.Sprintf("<sip:1@%v>", c.to))
	if k.party != nil {
		uri, party = string(k.contact), k.party
	}
	content := ""
	if body != "" {
		content = "Content-Type: application/sdp\r\n"
	}
	here := c.socket.addr
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", method, uri)
	fmt.Fprintf(&b, "Via: SIP/2.0/UDP %v;branch=z9hG4bK%s%d;rport\r\nMax-Forwards: 70\r\n", here, method, k.n)
	fmt.Fprintf(&b, "From: <sip:load@%v>;tag=%d\r\nTo: %s\r\n", here, k.n, party)
	fmt.Fprintf(&b, "Call-ID: %d@load\r\nCSeq: %d %s\r\nContact: <sip:load@%v>\r\n", k.n, seq, method, here)
	fmt.Fprintf(&b, "%sContent-Length: %d\r\n\r\n%s", content, len(body), body)
	return b.Bytes()
}

// drain takes what came.
func (c *callers) drain() {
	c.socket.drain(func(raw []byte, _ netip.AddrPort, at time.Time) {
		var code, n int
		if _, err := fmt.Sscanf(string(raw[:min(len(raw), 16)]), "SIP/2.0 %d", &code); err != nil {
			return // a request, as a BYE: the call is over for its own reasons, and our BYE will tell
		}
		if _, err := fmt.Sscanf(string(header(raw, "Call-ID")), "%d@load", &n); err != nil || n < 0 || n >= len(c.calls) || code < 200 {
			return
		}
		k := c.calls[n]
		_, method, _ := bytes.Cut(header(raw, "CSeq"), []byte(" "))
		c.response(k, string(method), code, raw, at)
	})
}

func (c *callers) response(k *caller, method string, code int, raw []byte, at time.Time) {
	switch {
	case method == "INVITE" && k.state == "INVITE":
		if code >= 300 {
			k.state = "over"
			c.failed++
			c.refused[code]++
			return
		}
		c.setups = append(c.setups, at.Sub(k.sent))
		k.party = bytes.Clone(header(raw, "To"))
		_, contact, _ := bytes.Cut(header(raw, "Contact"), []byte("<"))
		contact, _, _ = bytes.Cut(contact, []byte(">"))
		k.contact = bytes.Clone(contact)
		k.state = "ACK"
		k.confirms = c.request("ACK", 1, k, "")
		c.socket.send(k.confirms, c.to)
		c.answered++
	case method == "INVITE" && k.confirms != nil:
		c.socket.send(k.confirms, c.to) // it was lost
	case method == "BYE" && k.state == "BYE":
		if k.state = "over"; code >= 300 {
			c.failed++
		} else {
			c.byes = append(c.byes, at.Sub(k.sent))
		}
	}
}

// header returns the value of the first one of a name.
func header(raw []byte, name string) []byte {
	_, rest, ok := bytes.Cut(raw, []byte("\r\n"+name+":"))
	if !ok {
		return nil
	}
	value, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return bytes.TrimSpace(value)
}

// tick sends again what had no answer, and hangs up.
func (c *callers) tick(now time.Time) {
	live := c.live[:0]
	for _, k := range c.live {
		switch k.state {
		case "ACK":
			if now.After(k.end) {
				k.state = "BYE"
				c.start(k, now)
			}
		case "INVITE", "BYE":
			if now.Sub(k.sent) > patience {
				k.state = "over"
				c.failed++
			} else if now.After(k.again) {
				k.wait *= 2
				k.again = now.Add(k.wait)
				c.resent++
				c.resend(k)
			}
		}
		if k.state != "over" {
			live = append(live, k)
		}
	}
	c.live = live
}
