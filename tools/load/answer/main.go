// Command answer is what load tests call: our SIP and our audio with nothing around them. It answers every call and does one thing
// with it until the caller hangs up.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"

	"ivr/media"
	"ivr/sip"
	"ivr/testaudio"
)

func main() {
	addr := flag.String("sip", "127.0.0.1:5070", "address to listen on, UDP")
	what := flag.String("do", "play", "play a prompt, listen (and play), or bridge each two calls")
	wav := flag.String("wav", "", "prompt, a WAV file; a tone of two minutes if empty")
	pause := flag.Duration("pause", 0, "silence after the prompt, before it begins again")
	record := flag.String("record", "", "folder for recordings; none if empty")
	profile := flag.String("profile", "", "file for a CPU profile")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *what, *wav, *pause, *record, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "answer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr, what, wav string, pause time.Duration, record, profile string) error {
	if profile != "" {
		file, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	prompt, err := load(wav, pause)
	if err != nil {
		return err
	}
	h := &host{prompt: prompt, record: record}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if what == "listen" { // before there is a socket: the models take a moment
		if h.ears, err = newEars(); err != nil {
			return err
		}
		wg.Go(func() { _ = h.ears.pool.Run(ctx) }) // nil, as it runs once
	}
	engine := media.NewEngine(media.Config{Bind: netip.MustParseAddr("127.0.0.1"), PortMin: 30000, PortMax: 59998})
	ua, err := sip.New(sip.Config{Listen: []sip.Listen{{Network: "udp", Addr: addr}}, Media: engine})
	if err != nil {
		return err
	}
	does := map[string]func(context.Context, *sip.Leg){"play": h.play, "listen": h.listen, "bridge": h.bridge}
	if does[what] == nil {
		return fmt.Errorf("-do %q: play, listen or bridge", what)
	}
	wg.Go(func() { _ = engine.Run(ctx) }) // so here
	return ua.Serve(ctx, func(ctx context.Context, l *sip.Leg) {
		if l.Answer(ctx) == nil {
			does[what](ctx, l)
		}
	})
}

// load makes a prompt, encoded for whatever may be agreed.
func load(wav string, pause time.Duration) (*media.Prompt, error) {
	pcm := make([]int16, 120*media.SampleRate)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*300*float64(i)/media.SampleRate))
	}
	if wav != "" {
		channels, err := testaudio.ReadWAV(wav)
		if err != nil {
			return nil, err
		}
		pcm = channels[0]
	}
	p := media.NewPrompt(testaudio.Join(pcm, testaudio.Silence(pause)))
	for _, c := range []media.Codec{media.PCMU, media.PCMA} {
		p.Encode(c)
	}
	return p, nil
}

// host is what all calls share.
type host struct {
	prompt *media.Prompt
	record string
	ears   *ears // nil: nobody listens

	mu      sync.Mutex
	waiting *sip.Leg // for the other half of its pair
}

func (h *host) play(_ context.Context, l *sip.Leg) {
	l.Media().Loop(h.prompt)
	<-l.Done()
}

// bridge joins each call with the one after it.
func (h *host) bridge(_ context.Context, l *sip.Leg) {
	h.mu.Lock()
	other := h.waiting
	if h.waiting = l; other != nil {
		h.waiting = nil
		defer media.Bridge(l.Media(), other.Media())()
	}
	h.mu.Unlock()
	<-l.Done()
}

// recorded keeps the call in a file, if that is wanted.
func (h *host) recorded(ctx context.Context, l *sip.Leg, f func()) {
	if h.record == "" {
		f()
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := media.NewRecorder(filepath.Join(h.record, l.ID()+".wav"))
	defer l.Media().Record(r)()
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "answer:", err)
		}
	})
	f()
}
