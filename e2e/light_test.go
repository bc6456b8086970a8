//go:build e2e

package e2e

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"ivr/media"
	"ivr/sip"
	"ivr/testaudio"
)

// lightPhones places calls that play a file and hang up, without recognising anything: load for the house, little for the machine.
type lightPhones struct {
	ua  *sip.UA
	end func()
}

func newLightPhones(t *testing.T) *lightPhones {
	t.Helper()
	m := media.NewEngine(media.Config{Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 42000, PortMax: 44998})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { m.Run(ctx) })
	ua, err := sip.New(sip.Config{Listen: []sip.Listen{{Network: "udp", Addr: "127.0.0.1:0"}}, Media: m})
	if err != nil {
		t.Fatal(err)
	}
	wg.Go(func() { ua.Serve(ctx, func(_ context.Context, l *sip.Leg) { l.Reject(486, "Busy Here") }) })
	p := &lightPhones{ua: ua, end: func() { cancel(); wg.Wait() }}
	t.Cleanup(p.end)
	return p
}

// call dials, waits, plays, listens for a while and hangs up.
func (p *lightPhones) call(ctx context.Context, uri string, before time.Duration, what *media.Prompt, after time.Duration) error {
	leg, err := p.ua.Dial(ctx, sip.DialRequest{To: uri, From: "441130000001"})
	if err != nil {
		return err
	}
	defer leg.Hangup(context.WithoutCancel(ctx), "")
	pause := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-leg.Done():
		}
	}
	pause(before)
	if what != nil {
		select {
		case <-leg.Media().Play(what).Done():
		case <-leg.Done():
		}
	}
	pause(after)
	return nil
}

// spoken is a sentence of the caller's voice.
func spoken(t *testing.T, text string) *media.Prompt {
	t.Helper()
	e, err := engines()
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := e.Voice.Speak(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	return media.NewPrompt(testaudio.Join(pcm, testaudio.Silence(200*time.Millisecond)))
}
