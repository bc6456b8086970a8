package media

import "time"

// way is how a key came, the surest last.
type way int

const (
	byTones way = iota // in the audio
	byInfo             // SIP INFO
	byEvent            // RFC 4733
)

// doubleWithin is how far apart the same press may come by two ways.
const doubleWithin = time.Second

// presses knows keys that came already by another way: gateways send a press as an event and leave its tones in the audio, or send
// INFO beside it. The surest way that a far end uses is the one that counts.
type presses struct {
	by   way
	last Digit
}

// isDouble says that a key is not a press of its own.
func (p *presses) isDouble(d Digit, by way) bool {
	if by < p.by {
		return true
	}
	better := by > p.by
	same := d.Key == p.last.Key && d.At.Sub(p.last.At) < doubleWithin
	p.by, p.last = by, d
	return better && same
}
