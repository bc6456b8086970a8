package webrtc

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

// event is what a page is told about its call.
type event struct {
	Type string `json:"type"` // "line", "joined", "ended"
	Who  string `json:"who,omitempty"`
	Text string `json:"text,omitempty"`
}

// shownMost events are kept, so that a page that lost its connection, or was loaded again, misses nothing.
const shownMost = 1000

// screen is what the browser shows of a call.
type screen struct {
	mu     sync.Mutex
	events []event
	closed bool
	change chan struct{} // closed by the next change
}

func newScreen() *screen { return &screen{change: make(chan struct{})} }

// show adds an event. Nobody waits for the browser.
func (s *screen) show(e event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.events) >= shownMost {
		return
	}
	s.events = append(s.events, e)
	close(s.change)
	s.change = make(chan struct{})
}

// close ends the streams of all who watch, after the last event.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.change)
	}
}

// since returns the events from number n on, and when to ask again.
func (s *screen) since(n int) (events []event, closed bool, change <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[min(max(n, 0), len(s.events)):], s.closed, s.change
}

// serve streams the events as the browser's EventSource wants them, from the one after Last-Event-ID on.
func (s *screen) serve(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	n, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	for {
		events, closed, change := s.since(n)
		for _, e := range events {
			n++
			body, _ := json.Marshal(e) // strings: cannot fail
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", n, body); err != nil {
				return
			}
		}
		if out.Flush() != nil || closed {
			return
		}
		select {
		case <-change:
		case <-r.Context().Done():
			return
		}
	}
}
