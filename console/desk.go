package console

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"ivr/transfer"
)

// DeskConfig is what a [Desk] needs. All fields are needed.
type DeskConfig struct {
	Logins []Login
	Secure bool                                 // the cookie is for HTTPS alone
	State  func(seat string) transfer.SeatState // what the seat does now
	Free   func(seat string) error              // it takes calls from now on
	Away   func(seat string) error              // it takes none
	Admit  func(seat string) any                // what lets its browser connect the audio of a call, as JSON
}

// Desk is the seats that people sit at with a browser. It shows each what comes, and takes what they answer; the audio is somebody
// else's. Its goroutines are those of its requests.
type Desk struct {
	cfg      DeskConfig
	sessions *sessions
	tables   map[string]*table
}

// NewDesk prepares the seats. All are away until somebody sits down.
func NewDesk(cfg DeskConfig) *Desk {
	d := &Desk{cfg: cfg, sessions: newSessions(cfg.Logins, cfg.Secure), tables: map[string]*table{}}
	for _, l := range cfg.Logins {
		d.tables[l.ID] = &table{}
	}
	return d
}

// Register adds the desk's page and what it asks for:
//
//	POST, DELETE PREFIX/session   signs in and out; GET tells who has: {"name"}, empty for nobody
//	GET          PREFIX/events    a WebSocket: what comes, and what is answered
//	POST         PREFIX/token     lets the browser connect the audio
func (d *Desk) Register(mux *http.ServeMux, prefix string) {
	files, _ := fs.Sub(dist, "dist") // the folder is there: it was embedded
	register(mux, prefix, "desk.html", files, nil)
	guard := http.NewCrossOriginProtection()
	session := func(f http.HandlerFunc) http.Handler { return guard.Handler(d.sessions.manager.LoadAndSave(f)) }
	mux.Handle("POST "+prefix+"/session", session(d.sessions.signIn))
	mux.Handle("DELETE "+prefix+"/session", session(d.sessions.signOut))
	mux.HandleFunc("GET "+prefix+"/session", func(w http.ResponseWriter, r *http.Request) {
		l, _ := d.sessions.seat(r)
		answerJSON(w, map[string]string{"name": l.Name})
	})
	mux.HandleFunc("GET "+prefix+"/events", d.socket)
	mux.Handle("POST "+prefix+"/token", guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l, ok := d.sessions.seat(r)
		if !ok {
			http.Error(w, "sign in", http.StatusUnauthorized)
			return
		}
		answerJSON(w, d.cfg.Admit(l.ID))
	})))
}

func answerJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(v)
}

// Ring is one call that is offered to a seat.
type Ring struct {
	table    *table
	card     card
	declined chan struct{}
	once     sync.Once
}

// Declined is closed when the seat says no.
func (r *Ring) Declined() <-chan struct{} { return r.declined }

// End stops the ringing; answered tells the page that it was the seat that did.
func (r *Ring) End(answered bool) {
	t := r.table
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ring == r {
		t.ring = nil
		t.send(message{Type: "stopped", Answered: answered})
	}
}

// Ring shows a seat who is to be handed over. It reports false when nobody sits there.
func (d *Desk) Ring(seat string, h transfer.Handover) (*Ring, bool) {
	t := d.tables[seat]
	if t == nil {
		return nil, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out == nil {
		return nil, false
	}
	t.ring = &Ring{table: t, card: cardOf(h), declined: make(chan struct{})}
	t.send(message{Type: "ring", Card: &t.ring.card})
	return t.ring, true
}

// card is what a page shows of a hand-over.
type card struct {
	Call       string            `json:"call"`
	Caller     string            `json:"caller"`
	Name       string            `json:"name"`
	Queue      string            `json:"queue"`
	Reason     string            `json:"reason"`
	Detail     string            `json:"detail"`
	Intent     string            `json:"intent"`
	Mood       string            `json:"mood"`
	Values     map[string]string `json:"values"`
	Tried      []string          `json:"tried"`
	Transcript []spoken          `json:"transcript"`
}

type spoken struct {
	Who  string    `json:"who"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

func cardOf(h transfer.Handover) card {
	c := card{
		Call: h.CallID, Caller: h.Caller, Name: h.Name, Queue: h.Queue, Reason: h.Reason, Detail: h.Detail, Intent: h.Intent,
		Mood: h.Mood, Values: h.Values, Tried: h.Tried, Transcript: []spoken{},
	}
	for _, l := range h.Transcript {
		c.Transcript = append(c.Transcript, spoken{l.Who, l.Text, l.At})
	}
	return c
}
