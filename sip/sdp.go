package sip

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"ivr/media"
)

// errNoAudio says that an offer or answer has no audio stream that we can take part in.
var errNoAudio = errors.New("sip: no audio in common")

const telephoneEvent = "telephone-event"

// remoteMedia is what we read of a session description: its first audio stream, and how many streams there are.
type remoteMedia struct {
	streams []*sdp.MediaDescription
	audio   int // index of the stream we use
	at      netip.AddrPort
	codecs  []media.Codec // of ours, in the order of the description, with its payload types
	digits  uint8         // payload type of telephone-event at the clock rate of the first codec, or of the only one there is
	clock   int           // Hz of those events
	mux     bool          // RTCP on the port of RTP (RFC 5761)
	profile string        // "RTP/AVP", "RTP/SAVP"

	fingerprint string // of its certificate for DTLS
	setup       string // "active", "passive" or "actpass"
	keys        []media.Crypto
	sends       bool // the far end sends
	takes       bool // the far end receives
}

// parseSDP reads a session description (RFC 8866): of its audio streams the first that is protected in a way of ours, else the first
// that is not protected.
func parseSDP(body []byte) (*remoteMedia, error) {
	if !bytes.HasPrefix(body, []byte("v=")) {
		return nil, errors.New("sip: not SDP")
	}
	var d sdp.SessionDescription
	if err := d.Unmarshal(plainSDP(body)); err != nil {
		return nil, fmt.Errorf("sip: not SDP: %w", err)
	}
	r := &remoteMedia{streams: d.MediaDescriptions, audio: -1}
	for i, m := range d.MediaDescriptions {
		name := m.MediaName
		if name.Media != "audio" || name.Port.Value < 1 || name.Port.Value > 65535 || !r.readKeys(&d, m) {
			continue
		}
		if r.readFormats(m); len(r.codecs) > 0 && (r.audio < 0 || r.secured()) {
			if r.audio = i; r.secured() {
				break
			}
		}
	}
	if r.audio < 0 {
		return nil, errNoAudio
	}
	m := d.MediaDescriptions[r.audio]
	r.readKeys(&d, m)
	r.readFormats(m)
	r.readDirection(&d, m)
	return r, r.readAddress(&d, m)
}

// plainSDP is a description with only the lines that we look at, in the order that RFC 8866 wants: phones leave out mandatory lines,
// leave them empty, mix up their order or end them with a bare line feed.
func plainSDP(body []byte) []byte {
	sections := []map[byte]string{{}} // of the session, then of each stream
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\r\n ")
		if len(line) < 3 || line[1] != '=' {
			continue
		}
		if line[0] == 'm' {
			sections = append(sections, map[byte]string{})
		}
		lines := sections[len(sections)-1]
		if line[0] != 'c' || lines['c'] == "" {
			lines[line[0]] += line + "\r\n"
		}
	}
	var b strings.Builder
	b.WriteString("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\n" + sections[0]['c'] + "t=0 0\r\n" + sections[0]['a'])
	for _, lines := range sections[1:] {
		b.WriteString(lines['m'] + lines['c'] + lines['a'])
	}
	return []byte(b.String())
}

func (r *remoteMedia) readFormats(m *sdp.MediaDescription) {
	r.codecs, r.digits, r.clock = nil, 0, 0
	events := map[int]uint8{}    // clock rate to payload type
	names := map[string]string{} // payload type to encoding, in lower case
	for _, a := range m.Attributes {
		if pt, encoding, ok := strings.Cut(a.Value, " "); ok && a.Key == "rtpmap" {
			names[pt] = strings.ToLower(strings.TrimSpace(encoding))
		}
	}
	for _, format := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(format, 10, 7)
		if err != nil {
			continue
		}
		name := names[format]
		if rate, ok := strings.CutPrefix(strings.TrimSuffix(name, "/1"), telephoneEvent+"/"); ok {
			if hz, err := strconv.Atoi(rate); err == nil && hz > 0 && events[hz] == 0 {
				events[hz] = uint8(pt)
			}
		} else if c, ok := media.CodecOf(uint8(pt), name); ok {
			r.codecs = append(r.codecs, c)
		}
	}
	if len(r.codecs) == 0 {
		return
	}
	for _, hz := range []int{r.codecs[0].ClockRate, 8000} { // RFC 4733, 2.1 wants that of the audio; some have 8000 for all
		if events[hz] != 0 && r.digits == 0 {
			r.digits, r.clock = events[hz], hz
		}
	}
	r.mux = slices.ContainsFunc(m.Attributes, func(a sdp.Attribute) bool { return a.Key == "rtcp-mux" })
}

// readDirection: the stream's attribute, else the session's, else sendrecv (RFC 8866, 6.7).
func (r *remoteMedia) readDirection(d *sdp.SessionDescription, m *sdp.MediaDescription) {
	direction := "sendrecv"
	for _, attributes := range [][]sdp.Attribute{d.Attributes, m.Attributes} {
		for _, a := range attributes {
			switch a.Key {
			case "sendrecv", "sendonly", "recvonly", "inactive":
				direction = a.Key
			}
		}
	}
	r.sends = direction == "sendrecv" || direction == "sendonly"
	r.takes = direction == "sendrecv" || direction == "recvonly"
}

func (r *remoteMedia) readAddress(d *sdp.SessionDescription, m *sdp.MediaDescription) error {
	c := d.ConnectionInformation
	if m.ConnectionInformation != nil {
		c = m.ConnectionInformation
	}
	if c == nil || c.Address == nil {
		return errors.New("sip: SDP has no c= line")
	}
	addr, err := netip.ParseAddr(c.Address.Address)
	if err != nil {
		return fmt.Errorf("sip: c=%s is not an IP address", c.Address.Address)
	}
	if addr.IsUnspecified() { // hold as RFC 2543 had it
		r.takes = false
	}
	r.at = netip.AddrPortFrom(addr, uint16(m.MediaName.Port.Value))
	return nil
}

// params is what the stream is started with.
func (r *remoteMedia) params() media.Params {
	return media.Params{Remote: r.at, Codec: r.codecs[0], Digits: r.digits, DigitsClock: r.clock, Mux: r.mux, Send: r.takes, Receive: r.sends}
}

// localMedia writes our descriptions of one leg: one origin, whose version counts what changed (RFC 3264, 8).
type localMedia struct {
	addr    netip.Addr
	port    int
	session uint64
	version uint64
	last    string
	held    bool                    // the far end is to send nothing
	streams []*sdp.MediaDescription // of our last answer: offers keep their number and order (RFC 3264, 8)
	audio   int                     // which of them is ours
	safe    protection
}

// offer lists all we speak.
func (l *localMedia) offer() []byte {
	direction := "sendrecv"
	if l.held {
		direction = "sendonly"
	}
	ours := audioStream(l.port, media.Codecs(), map[int]uint8{8000: 101, 48000: 102}, direction)
	l.safe.offer(ours)
	if len(l.streams) == 0 {
		return l.write([]*sdp.MediaDescription{ours})
	}
	streams := slices.Clone(l.streams)
	streams[l.audio] = ours
	return l.write(streams)
}

// again is what was said last: a refresh changes nothing (RFC 4028, 7.4).
func (l *localMedia) again() []byte { return []byte(l.last) }

// answer agrees to the first codec of an offer that is ours; every other stream is refused with port 0 (RFC 3264, 6).
func (l *localMedia) answer(r *remoteMedia) []byte {
	streams := make([]*sdp.MediaDescription, len(r.streams))
	for i, m := range r.streams {
		if i != r.audio {
			refused := *m
			refused.MediaName.Port = sdp.RangedPort{}
			refused.Attributes, refused.ConnectionInformation = nil, nil
			streams[i] = &refused
			continue
		}
		streams[i] = audioStream(l.port, r.codecs[:1], map[int]uint8{r.clock: r.digits}, answerDirection(r.sends && !l.held, r.takes))
		l.safe.answer(streams[i], r)
		if r.mux {
			streams[i].WithPropertyAttribute("rtcp-mux")
		}
	}
	l.streams, l.audio = streams, r.audio
	return l.write(streams)
}

// answerDirection mirrors the offer (RFC 3264, 6.1).
func answerDirection(sends, takes bool) string {
	switch {
	case sends && takes:
		return "sendrecv"
	case sends:
		return "recvonly"
	case takes:
		return "sendonly"
	}
	return "inactive"
}

// audioStream describes our audio; digits are the payload types of telephone-event by clock rate.
func audioStream(port int, codecs []media.Codec, digits map[int]uint8, direction string) *sdp.MediaDescription {
	m := &sdp.MediaDescription{MediaName: sdp.MediaName{Media: "audio", Port: sdp.RangedPort{Value: port}, Protos: []string{"RTP", "AVP"}}}
	add := func(pt uint8, encoding, parameters string) {
		m.MediaName.Formats = append(m.MediaName.Formats, strconv.Itoa(int(pt)))
		m.Attributes = append(m.Attributes, sdp.NewAttribute("rtpmap", fmt.Sprintf("%d %s", pt, encoding)))
		if parameters != "" {
			m.Attributes = append(m.Attributes, sdp.NewAttribute("fmtp", fmt.Sprintf("%d %s", pt, parameters)))
		}
	}
	for _, c := range codecs {
		add(c.PayloadType, c.Encoding(), c.Parameters())
	}
	for _, hz := range slices.Sorted(maps.Keys(digits)) {
		if digits[hz] != 0 {
			add(digits[hz], fmt.Sprintf("%s/%d", telephoneEvent, hz), "0-15")
		}
	}
	m.Attributes = append(m.Attributes, sdp.NewAttribute("ptime", "20"), sdp.NewPropertyAttribute(direction))
	return m
}

func (l *localMedia) write(streams []*sdp.MediaDescription) []byte {
	kind := "IP4"
	if l.addr.Is6() {
		kind = "IP6"
	}
	d := sdp.SessionDescription{
		Origin:                sdp.Origin{Username: "ivr", SessionID: l.session, SessionVersion: l.version, NetworkType: "IN", AddressType: kind, UnicastAddress: l.addr.String()},
		SessionName:           "ivr",
		ConnectionInformation: &sdp.ConnectionInformation{NetworkType: "IN", AddressType: kind, Address: &sdp.Address{Address: l.addr.String()}},
		TimeDescriptions:      []sdp.TimeDescription{{}},
		MediaDescriptions:     streams,
	}
	same, _ := d.Marshal()
	if l.last != "" && l.last != string(same) {
		l.version++
		d.Origin.SessionVersion = l.version
		same, _ = d.Marshal()
	}
	l.last = string(same)
	return slices.Clone(same)
}
