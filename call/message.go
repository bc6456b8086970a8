package call

import (
	"time"

	"ivr/dialog"
)

// messageSilence ends a message.
const messageSilence = 4 * time.Second

// message is what a caller leaves when nobody could be reached.
type message struct {
	began time.Time
	max   time.Duration
	stop  func() // the recorder
}

// takeMessage plays a tone and records until #, silence, or the longest a message may be.
func (c *Call) takeMessage(a dialog.TakeMessage) {
	pb := c.leg.Media().Play(c.house.Tone)
	c.start(func() {
		select {
		case <-pb.Done():
			c.post(func() { c.messageBegins(a) })
		case <-c.ctx.Done():
		}
	})
}

func (c *Call) messageBegins(a dialog.TakeMessage) {
	m := &message{began: time.Now(), max: a.MaxLength, stop: func() {}}
	if path := c.house.message(c.leg.ID()); path != "" {
		c.report.Message = path
		m.stop = c.startRecorder(path)
	}
	c.message = m
	c.silence.Reset(messageSilence)
}

func (c *Call) messageDone() {
	m := c.message
	c.message = nil
	c.silence.Stop()
	m.stop()
	c.step(dialog.MessageLeft{Duration: time.Since(m.began)})
}
