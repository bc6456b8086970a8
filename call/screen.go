package call

// Screen is what a leg may have beside its audio, as a page in a browser: what is said is shown there. Its methods do not wait.
type Screen interface {
	Line(who, text string) // "caller", "bot"
	Joined()               // the caller talks with a person now
}

func (c *Call) showLine(who, text string) {
	if s, ok := c.leg.(Screen); ok && text != "" {
		s.Line(who, text)
	}
}

func (c *Call) showJoined() {
	if s, ok := c.leg.(Screen); ok {
		s.Joined()
	}
}
