package console

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"ivr/transfer"
)

// message goes to a page.
type message struct {
	Type     string             `json:"type"` // "hello", "state", "ring", "stopped"
	Name     string             `json:"name,omitempty"`
	State    transfer.SeatState `json:"state,omitempty"`
	Card     *card              `json:"card,omitempty"`
	Answered bool               `json:"answered,omitempty"`
}

// answer comes from a page.
type answer struct {
	Type string `json:"type"` // "free", "away", "decline"
}

const (
	waitingMost  = 64 // messages to a page that reads slowly; one more and it has to connect again
	writeMost    = 5 * time.Second
	lookAgain    = 250 * time.Millisecond // at what the seat does
	pingEvery    = 10 * time.Second
	returnWithin = 30 * time.Second // who loads the page again within this goes on where he was
)

// table is where one seat's page is connected. The last page that connects has it.
type table struct {
	mu   sync.Mutex
	out  chan message       // nil: nobody sits here
	gone context.CancelFunc // ends the page that has it
	ring *Ring              // nil: nothing rings
	free bool               // what was chosen last
	left time.Time          // when the last page went
}

// send hands a message to the page. Nobody waits for it.
func (t *table) send(m message) {
	if t.out == nil {
		return
	}
	select {
	case t.out <- m:
	default:
		t.gone()
	}
}

// sit gives the table to a page, and tells whether its seat was free a moment ago.
func (t *table) sit(now time.Time, gone context.CancelFunc) (out chan message, resume bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out != nil {
		t.gone()
	}
	resume = t.free && (t.out != nil || now.Sub(t.left) < returnWithin)
	t.out, t.gone, t.free = make(chan message, waitingMost), gone, resume
	if t.ring != nil {
		t.send(message{Type: "ring", Card: &t.ring.card})
	}
	return t.out, resume
}

// rise takes the table from a page, if it still has it.
func (t *table) rise(now time.Time, out chan message) (empty bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.out != out {
		return false
	}
	t.out, t.left = nil, now
	return true
}

// socket serves one page until it goes.
func (d *Desk) socket(w http.ResponseWriter, r *http.Request) {
	login, ok := d.sessions.seat(r)
	if !ok {
		http.Error(w, "sign in", http.StatusUnauthorized)
		return
	}
	conn, err := websocket.Accept(w, r, nil) // refuses other origins
	if err != nil {
		return
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	t := d.tables[login.ID]
	out, resume := t.sit(time.Now(), cancel)
	defer func() {
		if t.rise(time.Now(), out) {
			_ = d.cfg.Away(login.ID) // the seat is there: it signed in
		}
	}()
	if resume {
		_ = d.cfg.Free(login.ID)
	}
	var reader sync.WaitGroup
	defer reader.Wait()
	defer cancel()
	reader.Go(func() {
		defer cancel()
		d.listen(ctx, conn, login.ID, t)
	})
	d.tell(ctx, conn, login, out)
}

// listen takes the page's answers.
func (d *Desk) listen(ctx context.Context, conn *websocket.Conn, seat string, t *table) {
	for {
		var a answer
		if err := wsjson.Read(ctx, conn, &a); err != nil {
			return
		}
		switch a.Type {
		case "free", "away":
			t.mu.Lock()
			t.free = a.Type == "free"
			t.mu.Unlock()
			set := d.cfg.Away
			if a.Type == "free" {
				set = d.cfg.Free
			}
			_ = set(seat)
		case "decline":
			t.mu.Lock()
			if r := t.ring; r != nil {
				r.once.Do(func() { close(r.declined) })
			}
			t.mu.Unlock()
		}
	}
}

// tell sends what comes, and what the seat does when that has changed.
func (d *Desk) tell(ctx context.Context, conn *websocket.Conn, login Login, out <-chan message) {
	write := func(m message) bool {
		ctx, cancel := context.WithTimeout(ctx, writeMost)
		defer cancel()
		return wsjson.Write(ctx, conn, m) == nil
	}
	state := d.cfg.State(login.ID)
	if !write(message{Type: "hello", Name: login.Name, State: state}) {
		return
	}
	look, ping := time.NewTicker(lookAgain), time.NewTicker(pingEvery)
	defer look.Stop()
	defer ping.Stop()
	for {
		ok := true
		select {
		case <-ctx.Done():
			return
		case m := <-out:
			ok = write(m)
		case <-look.C:
			if s := d.cfg.State(login.ID); s != state {
				state = s
				ok = write(message{Type: "state", State: s})
			}
		case <-ping.C:
			pong, cancel := context.WithTimeout(ctx, writeMost)
			ok = conn.Ping(pong) == nil
			cancel()
		}
		if !ok {
			return
		}
	}
}
