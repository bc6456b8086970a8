package media

import (
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"
)

const (
	share     = 32 // streams that one takes at a time
	worthHelp = 96 // streams for each who is woken up: that costs as much as serving some
)

// crew serves all streams: the clock's goroutine does, and helpers that sleep between ticks, where there are processors for them.
// Everyone takes a share of what is left, so that nobody waits for a helper that got no processor.
type crew struct {
	clock *hand
	wake  chan struct{}
	work  sync.WaitGroup // helpers

	mu   sync.Mutex
	rest sync.Cond // busy has become 0
	todo []*Stream // of this phase, that nobody took yet
	do   phase     // with each
	due  time.Time // of this tick
	now  time.Time // when it began
	busy int       // shares being served
	sum  tally     // of this tick
}

// phase is one half of a tick.
type phase func(s *Stream, h *hand, due, now time.Time)

// hand is what one of the crew uses again and again.
type hand struct {
	tally  tally
	now    time.Time // when the share was begun
	stream *Stream   // that is being served
	packet rtp.Packet
	inbox  *inbox
	arrive func(raw []byte, from netip.AddrPort, at time.Time) // for stream
	aside  func(raw []byte, from netip.AddrPort, at time.Time) // by the port of RTCP
}

func newHand() *hand {
	h := &hand{inbox: newInbox()}
	h.arrive = func(raw []byte, from netip.AddrPort, at time.Time) { h.stream.arrive(&h.packet, raw, from, at) }
	h.aside = func(raw []byte, from netip.AddrPort, at time.Time) { h.stream.hearControl(raw, from, at) }
	return h
}

// receive takes what came to a socket of the stream.
func (h *hand) receive(conn PacketConn, take func(raw []byte, from netip.AddrPort, at time.Time)) {
	if c, ok := conn.(*udpConn); ok {
		c.receive(h.inbox, h.now, take)
	} else {
		conn.Receive(take)
	}
}

// hire starts helpers, until dismiss.
func (c *crew) hire(helpers int) (dismiss func()) {
	wake := make(chan struct{}, helpers)
	for range helpers {
		c.work.Go(func() {
			h := newHand()
			for range wake {
				c.help(h)
			}
		})
	}
	c.wake = wake
	return func() { c.wake = nil; close(wake); c.work.Wait() }
}

// serve does one phase with all streams and returns when all are served.
func (c *crew) serve(streams []*Stream, do phase, due, now time.Time) {
	c.mu.Lock()
	c.todo, c.do, c.due, c.now = streams, do, due, now
	c.mu.Unlock()
	for range min(len(streams)/worthHelp, cap(c.wake)) {
		select {
		case c.wake <- struct{}{}:
		default: // they have not yet begun with the last phase
		}
	}
	c.help(c.clock)
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.busy > 0 {
		c.rest.Wait()
	}
}

// help takes shares until there are none.
func (c *crew) help(h *hand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.todo) > 0 {
		n := min(share, len(c.todo))
		ours, do, due, now := c.todo[:n], c.do, c.due, c.now
		c.todo = c.todo[n:]
		c.busy++
		c.mu.Unlock()
		h.now = time.Now()
		for _, s := range ours {
			do(s, h, due, now)
		}
		h.stream = nil // a stream that has ended is not kept
		c.mu.Lock()
		c.sum.add(&h.tally)
		if c.busy--; c.busy == 0 {
			c.rest.Signal()
		}
	}
}
