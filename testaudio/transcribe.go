package testaudio

import (
	"context"
	"time"

	"ivr/media"
)

// Passage is what was said in one stretch of a recording.
type Passage struct {
	Segment
	Text string
}

// Transcribe understands a recording as a person on the line would have: cut into turns, each recognised.
func (e Engines) Transcribe(ctx context.Context, pcm []int16) (all []Passage, err error) {
	var cut cutter
	if e.Activity != nil {
		if cut.activity, err = e.Activity(); err != nil {
			return nil, err
		}
	}
	start := time.Unix(0, 0)
	keep := func(s *stretch) error {
		if s == nil {
			return nil
		}
		text, err := e.Hear(ctx, s.pcm)
		all = append(all, Passage{Segment{s.began.Sub(start), s.ended.Sub(start) + media.FrameDuration}, text})
		return err
	}
	for at := start; len(pcm) > 0; at = at.Add(media.FrameDuration) {
		h := media.Heard{Arrived: at}
		pcm = pcm[copy(h.Frame[:], pcm):]
		if err := keep(cut.hear(h)); err != nil {
			return all, err
		}
	}
	return all, keep(cut.end())
}
