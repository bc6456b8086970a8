//go:build curve

package local_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
	"ivr/speech/local"
	"ivr/testaudio"
)

// kept is what a stream hears.
type kept struct {
	mu  sync.Mutex
	pcm []int16
}

func (k *kept) Hear(h *media.Heard) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pcm = append(k.pcm, h.Frame[:]...)
}

// through is what is left of audio behind a line.
func through(t *testing.T, c media.Codec, d memnet.Damage, pcm []int16) (heard []int16) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New(d)
		engine := media.NewEngine(media.Config{Listen: func(at netip.AddrPort) (media.PacketConn, error) { return network.Listen(at) }})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = engine.Run(ctx) })
		var pair [2]*media.Stream
		for i := range pair {
			s, err := engine.Open()
			if err != nil {
				t.Fatal(err)
			}
			pair[i] = s
		}
		for i, s := range pair {
			to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(pair[1-i].LocalPort()))
			if err := s.Start(media.Params{Remote: to, Codec: c, Digits: 101, Send: true, Receive: true}); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(3 * time.Second) // the jitter buffer has learned the line
		var k kept
		stop := pair[1].Listen(&k)
		<-pair[0].Play(media.NewPrompt(pcm)).Done()
		<-time.After(400 * time.Millisecond)
		stop()
		for _, s := range pair {
			s.Close()
		}
		cancel()
		wg.Wait()
		heard = k.pcm
	})
	return heard
}

// Recognised words against loss and jitter, for docs/bench/loss.md: go test -tags curve -run Curve -timeout 60m -v ./speech/local
func TestCurveOfWordsAgainstLossAndJitter(t *testing.T) {
	const sentences = 60
	root := "../../../shared/data/asr_ivr_prompts_asterisk/"
	manifest, err := os.ReadFile(root + "manifest.tsv")
	if err != nil {
		t.Skip(err)
	}
	e := engines(t, local.Options{})
	type sentence struct {
		pcm  []int16
		text string
	}
	var all []sentence
	for i, line := range strings.Split(strings.TrimSpace(string(manifest)), "\n")[1:] {
		cells := strings.Split(line, "\t")
		if len(plainWords(cells[2])) < 5 || i%2 == 1 || len(all) >= sentences {
			continue
		}
		pcm, err := testaudio.ReadMono(filepath.Join(root, cells[0]))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sentence{pcm, cells[2]})
	}
	rate := func(c media.Codec, d memnet.Damage) string {
		words, wrong := 0, 0
		for i, s := range all {
			d.Seed = uint64(i + 1)
			heard, err := e.Recogniser.Recognise(t.Context(), through(t, c, d, s.pcm))
			if err != nil {
				t.Fatal(err)
			}
			want := plainWords(s.text)
			words += len(want)
			wrong += editDistance(want, plainWords(heard.Text))
		}
		return fmt.Sprintf("%.1f %%", 100*(1-float64(wrong)/float64(words)))
	}
	codecs := []media.Codec{media.PCMU, media.Opus}
	report := func(what string, d memnet.Damage) {
		row := "| " + what
		for _, c := range codecs {
			row += " | " + rate(c, d)
		}
		fmt.Println(row + " |")
	}
	for _, loss := range []float64{0, 1, 2, 5, 10, 15, 20} {
		report(fmt.Sprintf("loss %.0f %%", loss), memnet.Damage{Loss: loss / 100})
	}
	for _, ms := range []time.Duration{20, 40, 60, 80, 100} {
		report(fmt.Sprintf("jitter 0 to %d ms", ms), memnet.Damage{Jitter: ms * time.Millisecond})
	}
}
