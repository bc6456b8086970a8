package webrtc

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"go.uber.org/goleak"

	"ivr/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an endpoint that serves, behind a real web server, and an engine for both sides.
type world struct {
	t        *testing.T
	engine   *media.Engine
	endpoint *Endpoint
	web      *httptest.Server
	legs     chan *Leg
	returned chan error // what Answer said
}

func newWorld(t *testing.T, cfg Config) *world {
	t.Helper()
	w := &world{t: t, legs: make(chan *Leg, 10), returned: make(chan error, 10)}
	w.engine = media.NewEngine(media.Config{Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 30000, PortMax: 30100})
	cfg.Media = w.engine
	var err error
	if w.endpoint, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { w.engine.Run(ctx) })
	serving, end := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		served <- w.endpoint.Serve(serving, func(ctx context.Context, l *Leg) {
			err := l.Answer(ctx)
			w.returned <- err
			w.legs <- l
			<-l.Done()
		})
	}()
	mux := http.NewServeMux()
	w.endpoint.Register(mux, "/call", ForCall)
	w.endpoint.Admit(mux, "/call", Door{Number: "4000", Key: "sesame"})
	w.web = httptest.NewServer(mux)
	t.Cleanup(func() {
		w.web.Close()
		end()
		if err := <-served; err != nil {
			t.Error(err)
		}
		cancel()
		parts.Wait()
	})
	w.wait("the port to be open", func() bool {
		w.endpoint.mu.Lock()
		defer w.endpoint.mu.Unlock()
		return w.endpoint.serving != nil
	})
	return w
}

// wait looks again and again: what is waited for happens in real sockets.
func (w *world) wait(what string, ok func() bool) {
	w.t.Helper()
	for until := time.Now().Add(connectMost); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(until) {
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (w *world) token() string {
	return w.endpoint.Tokens().Mint(Token{Purpose: ForCall, Subject: "4000", Name: "Ann"}, time.Now(), time.Minute)
}

// do sends a request.
func (w *world) do(method, path, body string, header ...string) (*http.Response, string) {
	w.t.Helper()
	r, err := http.NewRequest(method, w.web.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return res, string(got)
}

// browser is the far end: it offers, checks ICE as the controlling side, and is called in DTLS.
type browser struct {
	w        *world
	agent    *ice.Agent
	wire     *wire
	identity identity
	stream   *media.Stream
	dtls     *dtls.Conn
	running  sync.WaitGroup
	where    string // Location
	tag      string // ETag
	gathered chan struct{}
}

func newBrowser(w *world) *browser {
	w.t.Helper()
	b := &browser{w: w, wire: newWire(), gathered: make(chan struct{}, 1)}
	var err error
	if b.identity, err = newIdentity(slog.Default()); err != nil {
		w.t.Fatal(err)
	}
	b.agent, err = ice.NewAgentWithOptions(ice.WithIncludeLoopback(), ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled), ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}))
	if err != nil {
		w.t.Fatal(err)
	}
	b.agent.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			b.gathered <- struct{}{}
		}
	})
	b.stream = w.engine.OpenOver(rtpConn{b.wire})
	w.t.Cleanup(b.close)
	return b
}

func (b *browser) close() {
	if b.dtls != nil {
		b.dtls.Close()
	}
	b.stream.Close()
	b.agent.GracefulClose()
	b.wire.dtls.Close()
	b.running.Wait()
}

// gather returns what ICE has to say of this side.
func (b *browser) gather() (lines string) {
	b.w.t.Helper()
	if err := b.agent.GatherCandidates(); err != nil {
		b.w.t.Fatal(err)
	}
	<-b.gathered
	ufrag, pwd, _ := b.agent.GetLocalUserCredentials()
	lines = fmt.Sprintf("a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", ufrag, pwd)
	candidates, _ := b.agent.GetLocalCandidates()
	for _, c := range candidates {
		lines += "a=candidate:" + c.Marshal() + "\r\n"
	}
	return lines
}

// offer is what a browser would send, for the codecs given as rtpmap lines.
func (b *browser) offer(formats string, lines ...string) string {
	var list string
	for _, l := range lines {
		pt, _, _ := strings.Cut(strings.TrimPrefix(l, "a=rtpmap:"), " ")
		list += " " + pt
	}
	if formats != "" {
		list = " " + formats
	}
	return "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF" + list +
		"\r\nc=IN IP4 0.0.0.0\r\n" + b.gather() + "a=fingerprint:sha-256 " + b.identity.fingerprint +
		"\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n" + strings.Join(lines, "\r\n") + "\r\n"
}

// call sends an offer and joins what the answer says.
func (b *browser) call(offer string) {
	b.w.t.Helper()
	res, answer := b.w.do("POST", "/call/legs", offer, "Content-Type", typeSDP, "Authorization", "Bearer "+b.w.token())
	if res.StatusCode != http.StatusCreated || res.Header.Get("Content-Type") != typeSDP {
		b.w.t.Fatalf("%s %s", res.Status, answer)
	}
	b.where, b.tag = res.Header.Get("Location"), res.Header.Get("ETag")
	if err := b.join(answer); err != nil {
		b.w.t.Fatal(err)
	}
}

func (b *browser) join(answer string) error {
	ctx, cancel := context.WithTimeout(b.w.t.Context(), connectMost)
	defer cancel()
	far, err := parseOffer([]byte(answer))
	if err != nil {
		return fmt.Errorf("the answer: %w\n%s", err, answer)
	}
	far.passive = false // the answer says active: we are called
	for _, c := range far.candidates {
		b.agent.AddRemoteCandidate(c)
	}
	conn, err := b.agent.Dial(ctx, far.ice.ufrag, far.ice.pwd)
	if err != nil {
		return err
	}
	b.wire.attach(conn)
	b.running.Go(b.wire.run)
	c, keys, err := b.identity.shake(ctx, dtlsConn{b.wire}, far)
	if err != nil {
		return err
	}
	b.dtls = c
	return b.stream.Start(media.Params{Remote: nominal, Codec: far.codec, Digits: far.digits, Mux: true, Secure: keys, Send: true, Receive: true})
}

// ears collect what a stream hears.
type ears struct {
	mu  sync.Mutex
	pcm []int16
}

func (e *ears) Hear(h *media.Heard) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pcm = append(e.pcm, h.Frame[:]...)
}

// level of the loudest fifth of a second.
func (e *ears) level() (most float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	const span = media.SampleRate / 5
	for i := 0; i+span <= len(e.pcm); i += span {
		var sum float64
		for _, x := range e.pcm[i : i+span] {
			sum += float64(x) * float64(x)
		}
		most = max(most, math.Sqrt(sum/span))
	}
	return most
}

func tone(d time.Duration) *media.Prompt {
	pcm := make([]int16, int(d.Seconds()*media.SampleRate))
	for i := range pcm {
		pcm[i] = int16(10000 * math.Sin(2*math.Pi*500*float64(i)/media.SampleRate))
	}
	return media.NewPrompt(pcm)
}
