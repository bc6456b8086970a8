package call

import (
	"context"
	"sync"
	"time"

	"ivr/media"
)

// saying is something being said on one stream, clause after clause: while one is heard the next is spoken.
type saying struct {
	texts         []string
	interruptible bool
	stream        *media.Stream

	mu      sync.Mutex
	stopped bool               // no clause may be played any more
	cancel  context.CancelFunc // of the voice
}

// stop cuts it off, also a clause that the voice is just finishing.
func (s *saying) stop() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		s.stream.Clear()
	}
}

// play queues one clause, unless it was stopped meanwhile.
func (s *saying) play(p *media.Prompt) *media.Playback {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	return s.stream.Play(p)
}

// say speaks texts on a stream from a goroutine of its own. On the loop, begun is told when the first audible packet left, and done
// when all was heard, or why not; neither is called after stop.
func (c *Call) say(s *saying, begun func(at time.Time), done func(err error)) {
	ctx, cancel := context.WithCancel(c.ctx)
	s.cancel = cancel
	unlessStopped := func(f func()) {
		c.post(func() {
			if !s.stopped { // only the loop stops it
				f()
			}
		})
	}
	c.start(func() {
		defer cancel()
		err := c.utter(ctx, s, func(at time.Time) {
			if begun != nil {
				unlessStopped(func() { begun(at) })
			}
		})
		unlessStopped(func() { done(err) })
	})
}

// utter does the work of say and returns when the last packet left.
func (c *Call) utter(ctx context.Context, s *saying, begun func(at time.Time)) error {
	var last *media.Playback
	for _, text := range s.texts {
		for _, clause := range c.house.Voice.Clauses(text) {
			p, err := c.house.Voice.Speak(ctx, clause)
			if err != nil {
				return err
			}
			first := last == nil
			if last = s.play(p); last == nil {
				return nil
			}
			if first {
				select {
				case <-last.Started():
					begun(last.StartedAt().Add(p.Lead()))
				case <-ctx.Done():
				}
			}
		}
	}
	if last != nil {
		select {
		case <-last.Done():
		case <-ctx.Done():
		}
	}
	return nil
}

// speak says texts to the caller and goes on with what is pending when they were heard.
func (c *Call) speak(texts []string, interruptible bool) {
	c.hush()
	for _, text := range texts {
		c.line("bot", text)
	}
	c.saying = &saying{texts: texts, interruptible: interruptible, stream: c.leg.Media()}
	reply := c.reply
	c.reply = nil
	c.say(c.saying,
		func(at time.Time) { c.began(reply, at) },
		func(err error) {
			c.saying = nil
			c.leg.Media().Gain(1)
			if err != nil {
				c.voiceless(err)
			}
			if c.warm != nil {
				c.warm.noticed()
				return
			}
			if f := c.parked; f != nil {
				c.parked = nil
				f()
				return
			}
			c.perform()
		})
}

// hush cuts off what is being said to the caller.
func (c *Call) hush() {
	if c.saying != nil {
		c.saying.stop()
		c.saying = nil
	}
	c.judge.Stop()
	c.leg.Media().Gain(1)
}
