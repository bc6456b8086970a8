package console

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"golang.org/x/crypto/bcrypt"

	"ivr/transfer"
)

// house is a desk with one seat, behind a real web server.
type house struct {
	t     *testing.T
	desk  *Desk
	web   *httptest.Server
	mu    sync.Mutex
	state transfer.SeatState
	set   chan transfer.SeatState // what the seat was made to do
}

func newHouse(t *testing.T) *house {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, state: transfer.Away, set: make(chan transfer.SeatState, 20)}
	set := func(s transfer.SeatState) func(string) error {
		return func(string) error {
			h.mu.Lock()
			h.state = s
			h.mu.Unlock()
			h.set <- s
			return nil
		}
	}
	h.desk = NewDesk(DeskConfig{
		Logins: []Login{{ID: "7", Name: "Ana", Hash: string(hash)}}, Free: set(transfer.Free), Away: set(transfer.Away),
		State: func(string) transfer.SeatState {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.state
		},
		Admit: func(seat string) any { return "token for " + seat },
	})
	mux := http.NewServeMux()
	h.desk.Register(mux, "/desk")
	h.web = httptest.NewServer(mux)
	t.Cleanup(h.web.Close)
	return h
}

// person is somebody with a browser.
type person struct {
	h      *house
	client *http.Client
	conn   *websocket.Conn
}

func (h *house) person() *person {
	jar, _ := cookiejar.New(nil)
	return &person{h: h, client: &http.Client{Jar: jar}}
}

func (p *person) post(path, body string, header ...string) int {
	p.h.t.Helper()
	r, err := http.NewRequest("POST", p.h.web.URL+path, strings.NewReader(body))
	if err != nil {
		p.h.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := p.client.Do(r)
	if err != nil {
		p.h.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// sit signs in and connects.
func (p *person) sit() {
	p.h.t.Helper()
	if code := p.post("/desk/session", `{"seat": "7", "password": "open sesame"}`); code != http.StatusNoContent {
		p.h.t.Fatalf("signing in: %d", code)
	}
	p.connect()
}

func (p *person) connect() {
	p.h.t.Helper()
	var err error
	p.conn, _, err = websocket.Dial(p.h.t.Context(), p.h.web.URL+"/desk/events", &websocket.DialOptions{HTTPClient: p.client})
	if err != nil {
		p.h.t.Fatal(err)
	}
	p.h.t.Cleanup(func() { p.conn.CloseNow() })
}

// reads waits for a message of a type.
func (p *person) reads(kind string) (m message) {
	p.h.t.Helper()
	ctx, cancel := context.WithTimeout(p.h.t.Context(), 10*time.Second)
	defer cancel()
	for {
		if err := wsjson.Read(ctx, p.conn, &m); err != nil {
			p.h.t.Fatalf("waiting for %q: %v", kind, err)
		}
		if m.Type == kind {
			return m
		}
		m = message{}
	}
}

func (p *person) says(kind string) {
	p.h.t.Helper()
	if err := wsjson.Write(p.h.t.Context(), p.conn, answer{kind}); err != nil {
		p.h.t.Fatal(err)
	}
}

var angry = transfer.Handover{
	CallID: "1", Caller: "+31201234567", Name: "Bo", Queue: "complaints", Reason: "anger", Intent: "where is my parcel",
	Values: map[string]string{"order number": "4512"}, Mood: "angry", Transcript: []transfer.Line{{Who: "caller", Text: "it is a disgrace"}},
}

func TestASeatSeesWhoComesAndDeclines(t *testing.T) {
	h := newHouse(t)
	if _, there := h.desk.Ring("7", angry); there {
		t.Error("an empty seat was rung")
	}
	p := h.person()
	p.sit()
	if m := p.reads("hello"); m.Name != "Ana" || m.State != transfer.Away {
		t.Errorf("%+v", m)
	}
	p.says("free")
	if got := <-h.set; got != transfer.Free {
		t.Errorf("the seat is %s", got)
	}
	if m := p.reads("state"); m.State != transfer.Free {
		t.Errorf("shown as %s", m.State)
	}
	ring, there := h.desk.Ring("7", angry)
	if !there {
		t.Fatal("nobody sits there")
	}
	c := p.reads("ring").Card
	if c.Caller != "+31201234567" || c.Values["order number"] != "4512" || c.Transcript[0].Text != "it is a disgrace" {
		t.Errorf("%+v", c)
	}
	p.says("decline")
	<-ring.Declined()
	p.says("decline") // a second click
	ring.End(false)
	if m := p.reads("stopped"); m.Answered {
		t.Error("shown as answered")
	}
}

func TestASeatWhosePageIsLoadedAgainGoesOnWhereItWas(t *testing.T) {
	h := newHouse(t)
	p := h.person()
	p.sit()
	p.reads("hello")
	p.says("free")
	<-h.set
	ring, _ := h.desk.Ring("7", angry)
	p.conn.Close(websocket.StatusGoingAway, "")
	if got := <-h.set; got != transfer.Away {
		t.Errorf("without a page the seat is %s", got)
	}
	p.connect()
	if got := <-h.set; got != transfer.Free {
		t.Errorf("with its page again the seat is %s", got)
	}
	if c := p.reads("ring").Card; c.Call != "1" {
		t.Errorf("%+v", c)
	}
	ring.End(true)
	if !p.reads("stopped").Answered {
		t.Error("not shown as answered")
	}
}

func TestASecondPageTakesTheSeatOver(t *testing.T) {
	h := newHouse(t)
	p, other := h.person(), h.person()
	p.sit()
	p.reads("hello")
	other.sit()
	other.reads("hello")
	var m message
	for {
		if err := wsjson.Read(t.Context(), p.conn, &m); err != nil {
			break
		}
	}
	if _, there := h.desk.Ring("7", angry); !there {
		t.Error("the seat is empty")
	}
	other.reads("ring")
}

func TestNobodySitsDownWithoutThePassword(t *testing.T) {
	h := newHouse(t)
	p := h.person()
	for _, c := range []struct {
		name, body string
		want       int
	}{
		{"a wrong password", `{"seat": "7", "password": "open says me"}`, 401},
		{"a seat that there is not", `{"seat": "8", "password": "open sesame"}`, 401},
		{"nonsense", `{`, 400},
	} {
		if code := p.post("/desk/session", c.body); code != c.want {
			t.Errorf("%s: %d", c.name, code)
		}
	}
	if code := p.post("/desk/session", `{"seat": "7", "password": "open sesame"}`, "Sec-Fetch-Site", "cross-site"); code != 403 {
		t.Errorf("from another site: %d", code)
	}
	if res, err := p.client.Get(h.web.URL + "/desk/session"); err != nil || res.StatusCode != 200 {
		t.Errorf("asking who has signed in: %v", err)
	} else {
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if strings.TrimSpace(string(body)) != `{"name":""}` {
			t.Errorf("signed in: %s", body)
		}
	}
	if code := p.post("/desk/token", ""); code != 401 {
		t.Errorf("a token without signing in: %d", code)
	}
	if _, res, err := websocket.Dial(t.Context(), h.web.URL+"/desk/events", nil); err == nil || res.StatusCode != 401 {
		t.Errorf("events without signing in: %v", err)
	}
	var last int
	for range tries {
		last = p.post("/desk/session", `{"seat": "7", "password": "guess"}`)
	}
	if last != 429 {
		t.Errorf("after many guesses: %d", last)
	}
}

func TestWhoSignsOutGetsNoTokens(t *testing.T) {
	h := newHouse(t)
	p := h.person()
	p.sit()
	if code := p.post("/desk/token", ""); code != 200 {
		t.Errorf("signed in: %d", code)
	}
	r, _ := http.NewRequest("DELETE", h.web.URL+"/desk/session", nil)
	res, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if code := p.post("/desk/token", ""); code != 401 {
		t.Errorf("signed out: %d", code)
	}
}
