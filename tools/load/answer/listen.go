package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"ivr/sip"
	"ivr/speech"
	"ivr/speech/local"
	"ivr/speech/models"
)

// ears hear where a caller begins and ends to speak, and recognise nothing.
type ears struct {
	engines *local.Engines
	pool    *speech.Pool
}

// wordless is a recogniser that costs nothing.
type wordless struct{}

func (wordless) Recognise(context.Context, []int16) (speech.Transcript, error) {
	return speech.Transcript{}, nil
}

func newEars() (*ears, error) {
	set, err := models.Open("")
	if err != nil {
		return nil, err
	}
	engines, err := local.Open(set, local.Options{Recogniser: "moonshine-tiny"})
	if err != nil {
		return nil, err
	}
	return &ears{engines, speech.NewPool(wordless{}, speech.PoolConfig{})}, nil
}

// listen plays and hears: jitter buffer, decoding, 16 kHz, voice activity, turns.
func (h *host) listen(ctx context.Context, l *sip.Leg) {
	vad, err := h.ears.engines.NewVAD()
	if err != nil {
		fmt.Fprintln(os.Stderr, "answer:", err)
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	e := speech.NewEars(speech.EarsConfig{}, vad, h.ears.pool)
	defer l.Media().Listen(e)()
	wg.Go(func() { _ = e.Run(ctx) }) // until the call ends
	wg.Go(func() {
		for {
			select {
			case <-e.Events():
			case <-ctx.Done():
				return
			}
		}
	})
	h.recorded(ctx, l, func() { h.play(ctx, l) })
}
