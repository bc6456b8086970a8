package call

import (
	"context"
	"strings"
	"time"
	"unicode"

	"ivr/dialog"
	"ivr/media"
	"ivr/speech"
)

// duck is how loud the bot goes on while a possible interruption is judged.
const duck = 0.25

// listen opens the ears on the caller's leg until deafen.
func (c *Call) listen() error {
	ears, err := c.house.Ears()
	if err != nil {
		return err
	}
	c.ears = ears
	ctx, cancel := context.WithCancel(c.ctx)
	detach := c.leg.Media().Listen(ears)
	c.deaf = func() { detach(); cancel() }
	c.start(func() {
		if err := ears.Run(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("ears failed, keys still work", "err", err)
			c.post(c.deafen)
		}
	})
	return nil
}

// deafen closes the ears: a bridged call is not recognised.
func (c *Call) deafen() {
	if c.deaf != nil {
		c.deaf()
		c.deaf = nil
	}
}

func (c *Call) hear(ev speech.Event) {
	switch {
	case ev.Onset != nil:
		c.onset()
	case ev.Utterance != nil:
		c.utterance(ev.Utterance)
	}
}

// onset: the caller began to speak. The bot goes on quietly until it is clear that it is meant.
func (c *Call) onset() {
	c.voiced = true
	c.silence.Stop()
	if c.interruptible() {
		c.leg.Media().Gain(duck)
		c.judge.Reset(c.limits.Decide)
	}
}

// judged: a possible interruption has lasted. Who speaks that long wants the floor.
func (c *Call) judged() {
	if c.voiced && c.interruptible() {
		c.cut = true
		c.hush()
	}
}

// interruptible reports that the bot is speaking and may be interrupted by speech.
func (c *Call) interruptible() bool {
	_, listening := c.wait.(dialog.Listen)
	return c.saying != nil && c.saying.interruptible && listening
}

// utterance: the caller finished. What is said into a marked prompt or into the waiting music is kept for the record only.
func (c *Call) utterance(u *speech.Utterance) {
	cut := c.cut || c.saying != nil
	c.voiced, c.cut = false, false
	c.judge.Stop()
	c.report.Mood = max(c.report.Mood, u.Mood.Anger)
	if u.Err != nil {
		c.log.Warn("utterance without words", "err", u.Err)
	}
	if c.message != nil {
		c.line("caller", u.Text)
		c.silence.Reset(messageSilence)
		return
	}
	_, listening := c.wait.(dialog.Listen)
	switch {
	case !listening, c.saying != nil && !c.saying.interruptible:
		if u.Text != "" {
			c.line("caller", u.Text)
		}
		return
	case c.saying != nil && backchannel(u.Text):
		c.leg.Media().Gain(1)
		return
	}
	c.hush()
	c.line("caller", u.Text)
	c.reply = timingOf(u, len(c.report.Lines)-1)
	c.step(dialog.Heard{Text: u.Text, Anger: u.Mood.Anger, Evidence: u.Mood.Evidence, Interrupted: cut, Now: time.Now()})
}

// backchannel tells "mm-hm" and coughs, which ask the bot to go on, from words that ask it to stop.
func backchannel(text string) bool {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
	switch letters {
	case "", "mm", "mmm", "mhm", "mmhm", "mmhmm", "uhhuh", "uh", "um", "hm", "hmm", "ah", "oh", "aha", "right", "isee":
		return true
	}
	return false
}

// keyed: keys always work, also over a prompt that speech cannot interrupt.
func (c *Call) keyed(d media.Digit) {
	switch {
	case c.message != nil:
		if d.Key == '#' {
			c.messageDone()
		}
	case c.warm != nil:
		c.warm.keyed(d.Key)
	default:
		acts := c.session.Step(dialog.Keyed{Key: d.Key, Now: d.At})
		if _, listening := c.wait.(dialog.Listen); listening {
			c.hush() // a first digit also stops the question
		}
		c.follow(acts)
		c.await()
	}
}

// silent: the time that the talk, or a message, gave the caller has passed.
func (c *Call) silent() {
	if c.message != nil {
		c.messageDone()
		return
	}
	if _, listening := c.wait.(dialog.Listen); listening && c.saying == nil && !c.voiced {
		c.step(dialog.NoInput{Now: time.Now()})
	}
}

// await starts the clock of silence when the caller has the floor.
func (c *Call) await() {
	if l, ok := c.wait.(dialog.Listen); ok && c.saying == nil && !c.voiced {
		c.silence.Reset(l.Timeout)
	}
}

// line adds one to the transcript.
func (c *Call) line(who, text string) {
	c.report.Lines = append(c.report.Lines, Line{At: time.Now(), Who: who, Text: text})
	c.showLine(who, text)
}
