package webrtc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"

	"ivr/media"
)

// Errors of [Leg.Err], for errors.Is.
var (
	ErrHangup = errors.New("webrtc: the browser hung up")
	ErrEnded  = errors.New("webrtc: ended by us")
	ErrLost   = errors.New("webrtc: the browser cannot be reached any more")
)

// How long things may take: a path and keys after the answer, and candidates from the servers named in the configuration.
const (
	connectMost = 20 * time.Second
	gatherMost  = 3 * time.Second
)

// When a path is thought to be lost: what comes back before lost has passed goes on as if nothing had been.
const (
	doubted  = 3 * time.Second
	lost     = 15 * time.Second
	keepings = 2 * time.Second // distance of the packets that keep NATs open
)

// Leg is one browser's call.
type Leg struct {
	id, secret string // the name in records, and the one that lets its holder steer the call
	token      Token
	offer      *offer
	identity   identity
	agent      *ice.Agent
	wire       *wire
	stream     *media.Stream
	screen     *screen
	gathered   chan struct{}
	metrics    *metrics
	began      time.Time

	ctx       context.Context // done when the leg has ended, with the cause
	end       context.CancelCauseFunc
	connected chan struct{}
	released  chan struct{} // closed when all of it has gone

	patching sync.Mutex // one change of ICE at a time

	mu     sync.Mutex
	remote credentials
}

// ID is ours: it names the call in records and logs.
func (l *Leg) ID() string { return l.id }

// From is the caller's number as the token has it, "" when nobody knows it.
func (l *Leg) From() string { return l.token.From }

// DisplayName is the caller's name as the token has it.
func (l *Leg) DisplayName() string { return l.token.Name }

// Purpose is what its token was for.
func (l *Leg) Purpose() Purpose { return l.token.Purpose }

// To is the number that was called, or the seat whose leg it is.
func (l *Leg) To() string { return l.token.Subject }

// Media is the leg's audio. It flows from Answer on.
func (l *Leg) Media() *media.Stream { return l.stream }

// Done is closed when the leg has ended, from either side; then Err says why, never nil.
func (l *Leg) Done() <-chan struct{} { return l.ctx.Done() }

// Err says why the leg ended; nil before Done.
func (l *Leg) Err() error { return context.Cause(l.ctx) }

// Answer returns when the browser can be heard and hears us, or why it never will.
func (l *Leg) Answer(ctx context.Context) error {
	select {
	case <-l.connected:
		return nil
	case <-l.ctx.Done():
		return l.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Hangup ends the leg in whatever state it is, and returns when all of it has gone. Safe to call twice.
func (l *Leg) Hangup(ctx context.Context, reason string) error {
	l.screen.show(event{Type: "ended", Text: reason})
	l.end(ErrEnded)
	select {
	case <-l.released:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Line shows the browser what was said, and by whom.
func (l *Leg) Line(who, text string) { l.screen.show(event{Type: "line", Who: who, Text: text}) }

// Joined shows the browser that the caller talks with a person now.
func (l *Leg) Joined() { l.screen.show(event{Type: "joined"}) }

// carry connects the leg, and frees what it has when it has ended.
func (l *Leg) carry() {
	defer close(l.released)
	defer l.screen.close()
	var wire sync.WaitGroup
	defer wire.Wait()
	defer l.wire.dtls.Close()
	defer l.agent.GracefulClose()
	defer l.stream.Close()
	conn, err := l.connect(&wire)
	if err != nil {
		l.end(err)
		return
	}
	l.metrics.connect(time.Since(l.began))
	close(l.connected)
	wire.Go(func() { l.heed(conn) })
	<-l.ctx.Done()
	conn.Close() // tells the browser
}

// connect finds a path, agrees on keys and starts the audio.
func (l *Leg) connect(wire *sync.WaitGroup) (*dtls.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(l.ctx, connectMost, errNoPath)
	defer cancel()
	conn, err := l.agent.Accept(ctx, l.offer.ice.ufrag, l.offer.ice.pwd)
	if err != nil {
		return nil, errors.Join(context.Cause(ctx), err)
	}
	l.wire.attach(conn)
	wire.Go(l.wire.run)
	secure, keys, err := l.identity.shake(ctx, dtlsConn{l.wire}, l.offer)
	if err != nil {
		return nil, errors.Join(context.Cause(ctx), err)
	}
	err = l.stream.Start(media.Params{
		Remote: nominal, Codec: l.offer.codec, Digits: l.offer.digits, Mux: true, Secure: keys, Send: true, Receive: true,
	})
	if err != nil {
		return nil, errors.Join(err, secure.Close())
	}
	return secure, nil
}

// heed waits for the browser's goodbye. Nothing else comes by DTLS.
func (l *Leg) heed(conn *dtls.Conn) {
	buf := make([]byte, 1500)
	for {
		if _, err := conn.Read(buf); err != nil {
			l.end(ErrHangup)
			return
		}
	}
}

// moved follows the state of ICE, of which it is told late: that there was none yet says nothing. A path that is doubted is still
// the best there is.
func (l *Leg) moved(s ice.ConnectionState) {
	switch s {
	case ice.ConnectionStateConnected, ice.ConnectionStateCompleted:
		l.wire.open.Store(true)
	case ice.ConnectionStateFailed:
		l.end(ErrLost)
	}
}

// local gathers our candidates.
func (l *Leg) local(ctx context.Context) (local, error) {
	if err := l.agent.GatherCandidates(); err != nil {
		return local{}, err
	}
	limit := time.NewTimer(gatherMost)
	defer limit.Stop()
	select {
	case <-l.gathered:
	case <-limit.C: // a server does not answer: what there is will have to do
	case <-ctx.Done():
		return local{}, context.Cause(ctx)
	}
	ufrag, pwd, err := l.agent.GetLocalUserCredentials()
	if err != nil {
		return local{}, err
	}
	candidates, err := l.agent.GetLocalCandidates()
	if err == nil && len(candidates) == 0 {
		err = fmt.Errorf("%w: no address of ours to offer", errNoPath)
	}
	slices.SortFunc(candidates, func(a, b ice.Candidate) int { return int(int64(b.Priority()) - int64(a.Priority())) })
	return local{credentials{ufrag, pwd}, l.identity.fingerprint, candidates}, err
}

// tag names the ICE session (RFC 9725, 4.3).
func (l *Leg) tag() string {
	ufrag, _, _ := l.agent.GetLocalUserCredentials()
	return `"` + ufrag + `"`
}

// trickle adds candidates. When the credentials are new, ICE starts again, and ours are returned (RFC 8445, 2.4).
func (l *Leg) trickle(ctx context.Context, f fragment) (restarted *local, err error) {
	l.mu.Lock()
	again := f.ice.ufrag != "" && f.ice != l.remote
	if again {
		l.remote = f.ice
	}
	l.mu.Unlock()
	if again {
		select {
		case <-l.gathered: // the first gathering may have outlasted its limit
		default:
		}
		l.wire.open.Store(false)
		if err := l.agent.Restart("", ""); err != nil {
			return nil, err
		}
		if err := l.agent.SetRemoteCredentials(f.ice.ufrag, f.ice.pwd); err != nil {
			return nil, err
		}
		ours, err := l.local(ctx)
		if err != nil {
			return nil, err
		}
		restarted = &ours
	}
	return restarted, l.add(f.candidates)
}

func (l *Leg) add(candidates []ice.Candidate) error {
	for _, c := range candidates {
		if err := l.agent.AddRemoteCandidate(c); err != nil {
			return err
		}
	}
	return nil
}
