package call

import (
	"time"

	"ivr/speech"
)

// timing follows one utterance to its reply.
type timing struct {
	line                       int // of the caller, in the report
	ended, decided, recognised time.Time
	meant                      time.Time
}

func timingOf(u *speech.Utterance, line int) *timing {
	return &timing{line: line, ended: u.Ended, decided: u.Decided, recognised: u.Recognised}
}

// began notes when the first audible packet of a reply left. Words that were ready before the end of the turn was decided cost the
// caller nothing and count as nothing.
func (c *Call) began(t *timing, at time.Time) {
	if t == nil {
		return
	}
	g := Gap{
		Total:      at.Sub(t.ended),
		Decided:    t.decided.Sub(t.ended),
		Recognised: max(0, t.recognised.Sub(t.decided)),
	}
	ready := t.decided.Add(g.Recognised)
	g.Meant = max(0, t.meant.Sub(ready))
	g.Spoken = max(0, at.Sub(t.meant))
	c.report.Lines[t.line].Gap = g
	c.house.Metrics.replied(g)
}
