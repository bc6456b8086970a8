package call

import (
	"fmt"
	"time"

	"ivr/dialog"
	"ivr/speech"
)

// step lets the dialog judge an event and follows what it says.
func (c *Call) step(ev dialog.Event) { c.follow(c.session.Step(ev)) }

// follow makes what Step returned the thing to do. Nothing but notes means: go on as before.
func (c *Call) follow(acts []dialog.Action) {
	for len(acts) > 0 {
		n, ok := acts[0].(dialog.Note)
		if !ok {
			break
		}
		c.note(n.Turn)
		acts = acts[1:]
	}
	if len(acts) == 0 {
		return
	}
	if c.reply != nil {
		c.reply.meant = time.Now()
	}
	c.silence.Stop()
	c.hush()
	c.parked = nil // it waited for the end of what was cut off
	c.pending, c.wait = acts, nil
	c.perform()
}

// note joins how an event was understood to the line it came from.
func (c *Call) note(t dialog.Turn) {
	c.house.Metrics.turn(t)
	if n := len(c.report.Lines); n > 0 && c.report.Lines[n-1].Who == "caller" && c.report.Lines[n-1].Turn == nil {
		c.report.Lines[n-1].Turn = &t
		return
	}
	c.line("caller", t.Said) // keys and silence have no line of their own yet
	c.report.Lines[len(c.report.Lines)-1].Turn = &t
}

// perform does what is pending, one action at a time; what takes long calls perform again when it is over.
func (c *Call) perform() {
	for c.saying == nil && len(c.pending) > 0 {
		switch a := c.pending[0].(type) {
		case dialog.Note:
			c.pending = c.pending[1:]
			c.note(a.Turn)
		case dialog.Say:
			c.performSay(a)
		default:
			c.pending = c.pending[1:]
			c.performWait(a)
		}
	}
	c.await()
}

// performSay speaks this and the says right behind it, and opens the ears at once when they may be interrupted.
func (c *Call) performSay(first dialog.Say) {
	var texts []string
	for len(c.pending) > 0 {
		s, ok := c.pending[0].(dialog.Say)
		if !ok || s.Interruptible != first.Interruptible {
			break
		}
		texts = append(texts, s.Text)
		c.pending = c.pending[1:]
	}
	if first.Interruptible && len(c.pending) == 1 {
		if l, ok := c.pending[0].(dialog.Listen); ok {
			c.pending = nil
			c.expect(l)
		}
	}
	c.speak(texts, first.Interruptible)
	if len(c.pending) == 1 {
		if h, ok := c.pending[0].(dialog.HandOver); ok { // a seat is rung while the caller is told of it
			c.pending = nil
			c.performWait(h)
		}
	}
}

// performWait begins what the session waits for.
func (c *Call) performWait(a dialog.Action) {
	switch a := a.(type) {
	case dialog.Listen:
		c.expect(a)
	case dialog.Fetch:
		c.wait = a
		c.fetch(a)
	case dialog.HandOver:
		c.wait = a
		c.handOver(a)
	case dialog.TakeMessage:
		c.wait = a
		c.takeMessage(a)
	case dialog.End:
		c.hangUp(endCause(a.Cause), nil)
	default:
		c.hangUp(CauseFailed, fmt.Errorf("call: unknown action %T", a))
	}
}

func endCause(s string) Cause {
	switch cause := Cause(s); cause {
	case CauseNoInput, CauseMessage:
		return cause
	}
	return CauseDone
}

func (c *Call) expect(l dialog.Listen) {
	c.wait = l
	if c.ears != nil {
		c.ears.Expect(speech.Expect(l.Expect), outlook(c.session.Foresee()))
	}
}

// outlook tells the ears where words would lead the talk.
func outlook(foresee func(said string) dialog.Outlook) func(text string) speech.Completeness {
	return func(text string) speech.Completeness {
		switch foresee(text) {
		case dialog.Enough:
			return speech.Settled
		case dialog.Asking:
			return speech.Neutral
		}
		return speech.Open
	}
}

// fetch asks the back end. A late answer is bridged with a sentence, once; an answer to a question that the caller has left
// behind is dropped.
func (c *Call) fetch(req dialog.Fetch) {
	answer := make(chan dialog.Fetched, 1)
	c.start(func() { answer <- c.house.Backend.Fetch(c.ctx, req) })
	c.start(func() {
		late := time.NewTimer(c.limits.Filler)
		defer late.Stop()
		for {
			select {
			case res := <-answer:
				c.post(func() { c.fetched(res) })
				return
			case <-late.C:
				c.post(func() { c.fill(req) })
			case <-c.ctx.Done():
				return
			}
		}
	})
}

// fill bridges a late answer, unless the caller has left the question behind.
func (c *Call) fill(req dialog.Fetch) {
	if c.fetching(req.ID) && req.Filler != "" {
		c.speak([]string{req.Filler}, false)
	}
}

func (c *Call) fetching(id string) bool {
	f, ok := c.wait.(dialog.Fetch)
	return ok && f.ID == id
}

func (c *Call) fetched(res dialog.Fetched) {
	switch {
	case !c.fetching(res.ID):
	case c.saying != nil: // the filler is heard to its end
		c.parked = func() { c.fetched(res) }
	default:
		if res.Err != "" {
			c.log.Warn("back end failed", "what", res.Err)
		}
		c.step(res)
	}
}

// voiceless: the voice failed. A caller who cannot be spoken to gets a person; the second time there is nothing left to try.
func (c *Call) voiceless(err error) {
	c.log.Error("the voice failed", "err", err)
	c.house.Metrics.voiceFailed()
	if c.warm != nil {
		return // a person is coming, announced or not
	}
	if c.rescued {
		c.hangUp(CauseFailed, err)
		return
	}
	c.rescued = true
	c.pending = nil
	c.performWait(dialog.HandOver{
		Queue: c.house.Rescue, Reason: dialog.ReasonBackend, Detail: "the voice failed: " + err.Error(), Mood: "calm",
	})
}
