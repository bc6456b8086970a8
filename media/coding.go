package media

// coding decides for codecs that remember (G.722, Opus) when a payload that was encoded before can be sent, and encodes when it
// cannot. Both sides of such a codec go through the same states: a payload is understood only by a decoder that is where the
// encoder was. It is there in the midst of a prompt that is sent payload by payload; at the beginning of one, and in silence, after
// enough silence; and after enough frames of the same audio. In between the live encoder takes over, which is brought to where the
// decoder is. Codecs that remember nothing (G.711) take everything.
type coding struct {
	format *format
	coder  encoder // nil until it is needed
	live   bool    // the last payload came from it
	calm   int     // silent frames sent last
	same   int     // frames that it encoded and that stand in the last prompt too
	prompt *Prompt // of which the last frame was, nil if of none
	frame  int
}

// calmLevel is the mean size of samples up to which a frame is silent.
const calmLevel = 16

// use begins anew when the codec changes.
func (c *coding) use(f *format) {
	if c.format != f {
		*c = coding{format: f, calm: f.fresh, live: f.fresh < f.memory}
	}
}

// interrupted notes that nothing was sent for a while. A decoder that makes up what is missing is anywhere then: who goes on as if
// nothing had been makes a click there.
func (c *coding) interrupted() {
	if c.format != nil && c.format.conceals {
		c.live, c.calm, c.same, c.prompt = false, 0, 0, nil
	}
}

// follows says that a piece comes right after the last frame sent.
func (c *coding) follows(what piece) bool {
	return what.payload != nil && c.prompt == what.prompt && c.frame+1 == what.frame
}

// takes says that the far end's decoder is where a payload needs it: that of a piece, or of silence when it is empty.
func (c *coding) takes(what piece) bool {
	need := c.format.memory
	if what.payload != nil && what.frame > 0 {
		return need == 0 || c.follows(what) && (!c.live || c.same >= need)
	}
	return c.calm >= need
}

// copied notes that a payload was sent as it was.
func (c *coding) copied(what piece, frame []int16) {
	c.live, c.same = false, 0
	c.note(what, frame)
}

func (c *coding) note(what piece, frame []int16) {
	c.prompt, c.frame = what.prompt, what.frame
	if c.format.memory == 0 {
		return
	}
	if c.calm++; level(frame) > calmLevel {
		c.calm = 0
	}
}

// encode makes a payload of a frame; same says that it is that of a piece without any change.
func (c *coding) encode(payload []byte, what piece, frame []int16, same bool) int {
	if c.coder == nil {
		c.coder = c.format.newEncoder()
	}
	if !c.live && c.format.memory > 0 {
		c.catchUp(payload)
	}
	c.live = true
	if c.same++; !same || !c.follows(what) {
		c.same = 0
	}
	c.note(what, frame)
	return c.coder.encode(payload, frame)
}

// catchUp brings the encoder to where the far end's decoder is after payloads that it did not make: it hears what they were.
func (c *coding) catchUp(scratch []byte) {
	c.coder.settle()
	if c.prompt == nil || c.calm >= c.format.memory {
		return
	}
	var frame Frame
	for n := max(c.frame+1-c.format.memory, 0); n <= c.frame; n++ {
		c.prompt.frame(&frame, n)
		c.coder.encode(scratch, frame[:])
	}
}
