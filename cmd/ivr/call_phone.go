package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"ivr/media"
	"ivr/sip"
	"ivr/speech/local"
	"ivr/speech/models"
	"ivr/testaudio"
)

// phoneOptions are the flags that `ivr call` and `ivr demo` share.
type phoneOptions struct {
	listen     string // address of SIP; "": a free port, for calling only
	voice      string
	recogniser string
	models     string
	name       string // of the caller, as the far end's display shows it
}

// engines are the voice and the ears of somebody at a phone.
func (o phoneOptions) engines() (*local.Engines, error) {
	set, err := models.Open(o.models)
	if err != nil {
		return nil, err
	}
	return local.Open(set, local.Options{Recogniser: o.recogniser, Voice: o.voice, Steady: true})
}

// phone is a SIP telephone with somebody at it who can speak and hear.
type phone struct {
	ua   *sip.UA
	with testaudio.Engines
	name string

	engines *local.Engines
	media   *media.Engine
	stop    context.CancelFunc
	wait    sync.WaitGroup
}

// RTP of our own callers stays clear of the range that a server uses by default.
const phonePortMin, phonePortMax = 30000, 39998

// openPhone loads the engines and binds the sockets.
func openPhone(ctx context.Context, o phoneOptions) (*phone, error) {
	engines, err := o.engines()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // calls end in good order after Ctrl-C
	p := &phone{
		with: enginesOf(engines), name: o.name, engines: engines, stop: cancel,
		media: media.NewEngine(media.Config{PortMin: phonePortMin, PortMax: phonePortMax}),
	}
	if p.ua, err = p.line(o.listen); err != nil {
		return nil, errors.Join(err, p.close())
	}
	p.wait.Go(func() { _ = p.media.Run(ctx) }) // ends without error when ctx does
	return p, nil
}

// line binds a SIP address, UDP and TCP; "" is a free port, for calling only.
func (p *phone) line(listen string) (*sip.UA, error) {
	addr := listen
	if addr == "" {
		addr = "0.0.0.0:0"
	}
	ua, err := sip.New(sip.Config{
		Listen:    []sip.Listen{{Network: "udp", Addr: addr}, {Network: "tcp", Addr: addr}},
		Allow:     []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, // whoever we call may be anywhere
		UserAgent: "ivr-call", Media: p.media, Log: slog.New(slog.DiscardHandler),
	})
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken: is another seat, demo or softphone running? (%w)", listen, err)
	}
	return ua, err
}

// close ends the phone, after its calls.
func (p *phone) close() error {
	p.stop()
	p.wait.Wait()
	return p.engines.Close()
}

// serve takes calls until close.
func (p *phone) serve(ctx context.Context, handle func(context.Context, *sip.Leg)) {
	ctx, cancel := context.WithCancel(ctx)
	stop := p.stop
	p.stop = func() { cancel(); stop() }
	p.wait.Go(func() { _ = p.ua.Serve(ctx, handle) }) // ends without error when ctx does
}

// enginesOf gives a person our engines.
func enginesOf(e *local.Engines) testaudio.Engines {
	return testaudio.Engines{
		Speak: e.Voice.Speak,
		Hear: func(ctx context.Context, pcm []int16) (string, error) {
			t, err := e.Recogniser.Recognise(ctx, pcm)
			return t.Text, err
		},
		Activity: func() (func([]int16) (float32, error), error) {
			vad, err := e.NewVAD()
			if err != nil {
				return nil, err
			}
			return vad.Speech, nil
		},
	}
}

// patience of a caller with a phone that does not even ring.
const answerWithin = 10 * time.Second

// errNoAnswer is the cause when nobody rang or answered in time.
var errNoAnswer = errors.New("no answer")

// dial places a call; its errors say what to do.
func (p *phone) dial(ctx context.Context, to, from string) (*sip.Leg, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(answerWithin, func() { cancel(errNoAnswer) })
	defer patience.Stop()
	leg, err := p.ua.Dial(ctx, sip.DialRequest{
		To: to, From: from, DisplayName: p.name,
		OnRinging: func() { patience.Reset(3 * answerWithin) },
	})
	if err == nil {
		return leg, nil
	}
	var refused *sip.ResponseError
	switch {
	case errors.As(err, &refused) && refused.Code == 404:
		return nil, fmt.Errorf("%s has no such number: the configuration's bots say which there are (%w)", to, err)
	case errors.As(err, &refused) && refused.Code == 503:
		return nil, fmt.Errorf("%s takes no calls now: it is full or shutting down (%w)", to, err)
	case errors.As(err, &refused) && refused.Code == 403:
		return nil, fmt.Errorf("%s does not serve calls from here: see sip.allow in its configuration (%w)", to, err)
	case errors.As(err, &refused):
		return nil, err
	case errors.Is(context.Cause(ctx), errNoAnswer), ctx.Err() == nil:
		return nil, fmt.Errorf("no answer from %s: is `make run` running? (%w)", hostOf(to), err)
	}
	return nil, err
}

// hostOf is the address in a SIP URI: "127.0.0.1:5060".
func hostOf(uri string) string {
	for i := len(uri) - 1; i >= 0; i-- {
		if uri[i] == '@' || uri[i] == ':' && uri[:i] == "sip" {
			return uri[i+1:]
		}
	}
	return uri
}

// record keeps a leg in a stereo WAV, left what the person here said, right what it heard, until the leg has ended. finish waits
// for the file.
func record(leg testaudio.Leg, path string) (finish func() error) {
	part := path + ".part"
	recorder := media.NewRecorder(part)
	ctx, cancel := context.WithCancel(context.Background())
	stop := leg.Media().Record(recorder)
	done := make(chan error, 1)
	go func() { done <- recorder.Run(ctx) }()
	return func() error {
		<-leg.Done()
		stop()
		cancel()
		if err := <-done; err != nil {
			return fmt.Errorf("recording %s: %w", path, err)
		}
		// The recorder has what it heard on the left, as the server wants it; a caller's own voice comes first here.
		channels, err := testaudio.ReadWAV(part)
		if err != nil {
			return err
		}
		if err := testaudio.WriteWAV(path, channels[1], channels[0]); err != nil {
			return err
		}
		return os.Remove(part)
	}
}

// wantAddress checks an address to listen on.
func wantAddress(flag, addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return usageError{fmt.Errorf("%s %q is not an address with a port: write it like 127.0.0.1:5071", flag, addr)}
	}
	return nil
}
