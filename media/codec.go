package media

// Codec is an RTP audio format as offered in SDP (RFC 3551).
type Codec struct {
	Name        string // "PCMU", "PCMA"
	PayloadType uint8
	ClockRate   int // Hz
}

// The static payload types of RFC 3551, table 4.
var (
	PCMU = Codec{"PCMU", 0, 8000}
	PCMA = Codec{"PCMA", 8, 8000}
)

// comfortNoise is the static payload type of RFC 3389: a far end that uses it without asking is not in error.
const comfortNoise = 13

// Codecs lists what we speak, best first.
func Codecs() []Codec { return []Codec{PCMU, PCMA} }

// law returns how c compands, nil if we do not speak it.
func (c Codec) law() *law {
	switch {
	case c.ClockRate != PCMU.ClockRate:
		return nil
	case c.Name == PCMU.Name:
		return muLaw
	case c.Name == PCMA.Name:
		return aLaw
	}
	return nil
}

// law returns how a received payload type is companded, nil if it is no audio of ours. Besides the agreed codec both static
// types are taken: who offered or answered both may send either at any time (RFC 3264, 6.1).
func (p *Params) law(payloadType uint8) *law {
	switch payloadType {
	case p.Codec.PayloadType:
		return p.Codec.law()
	case PCMU.PayloadType:
		return muLaw
	case PCMA.PayloadType:
		return aLaw
	}
	return nil
}
