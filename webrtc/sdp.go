package webrtc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/ice/v4"
	"github.com/pion/sdp/v3"

	"ivr/media"
)

// Why an offer is refused.
var (
	errSyntax  = errors.New("not a session description")
	errNoAudio = errors.New("no protected two-way audio of ours is offered")
)

const telephoneEvent = "telephone-event"

// credentials are those of ICE (RFC 8839, 5.4).
type credentials struct{ ufrag, pwd string }

// offer is what we read of a browser's offer: its one audio stream (RFC 9429).
type offer struct {
	streams     []*sdp.MediaDescription
	audio       int
	mid         string
	ice         credentials
	hash, print string // of its certificate
	passive     bool   // it wants to be called in DTLS, so we call it; else it calls
	candidates  []ice.Candidate
	codec       media.Codec
	digits      uint8 // payload type of telephone-event at the clock of codec; 0: none
}

// parseOffer reads an offer. A stream that is not audio is passed over.
func parseOffer(body []byte) (*offer, error) {
	var d sdp.SessionDescription
	if err := d.Unmarshal(body); err != nil {
		return nil, fmt.Errorf("%w: %w", errSyntax, err)
	}
	o := &offer{streams: d.MediaDescriptions, audio: slices.IndexFunc(d.MediaDescriptions, usable)}
	if o.audio < 0 {
		return nil, errNoAudio
	}
	m := d.MediaDescriptions[o.audio]
	value := func(key string) string { // of the stream, else of the session
		if v, ok := m.Attribute(key); ok {
			return v
		}
		v, _ := d.Attribute(key)
		return v
	}
	o.mid = value("mid")
	o.ice = credentials{value("ice-ufrag"), value("ice-pwd")}
	o.hash, o.print, _ = strings.Cut(value("fingerprint"), " ")
	o.passive = value("setup") != "active"
	if o.ice.ufrag == "" || o.ice.pwd == "" || o.print == "" {
		return nil, fmt.Errorf("%w: it lacks ice-ufrag, ice-pwd or fingerprint", errSyntax)
	}
	o.candidates = candidatesOf(m.Attributes)
	if !o.readFormats(m) {
		return nil, errNoAudio
	}
	return o, nil
}

// usable tells a two-way audio stream over SRTP with RTP and RTCP on one port.
func usable(m *sdp.MediaDescription) bool {
	_, mux := m.Attribute("rtcp-mux")
	oneWay := false
	for _, direction := range []string{"sendonly", "recvonly", "inactive"} {
		_, is := m.Attribute(direction)
		oneWay = oneWay || is
	}
	return m.MediaName.Media == "audio" && strings.Join(m.MediaName.Protos, "/") == "UDP/TLS/RTP/SAVPF" && mux && !oneWay
}

// readFormats takes the first codec that is ours, and its events (RFC 4733).
func (o *offer) readFormats(m *sdp.MediaDescription) bool {
	names := map[string]string{} // payload type to encoding
	for _, a := range m.Attributes {
		if pt, name, ok := strings.Cut(a.Value, " "); ok && a.Key == "rtpmap" {
			names[pt] = name
		}
	}
	var found bool
	for _, f := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		if o.codec, found = media.CodecOf(uint8(pt), names[f]); found {
			break
		}
	}
	for pt, name := range names {
		if n, err := strconv.ParseUint(pt, 10, 7); err == nil && found && name == fmt.Sprintf("%s/%d", telephoneEvent, o.codec.ClockRate) {
			o.digits = uint8(n)
		}
	}
	return found
}

// candidatesOf reads the candidates among attributes; those that are none, or by TCP, are passed over (RFC 8839, 5.1).
func candidatesOf(attributes []sdp.Attribute) (found []ice.Candidate) {
	for _, a := range attributes {
		if a.Key != "candidate" {
			continue
		}
		if c, err := ice.UnmarshalCandidate(a.Value); err == nil && !c.NetworkType().IsTCP() {
			found = append(found, c)
		}
	}
	return found
}

// local is what an answer says of us.
type local struct {
	ice         credentials
	fingerprint string
	candidates  []ice.Candidate
}

// answer agrees to the audio stream; every other one is refused with port 0 (RFC 3264, 6).
func (o *offer) answer(l local) ([]byte, error) {
	d, err := sdp.NewJSEPSessionDescription(false)
	if err != nil {
		return nil, err
	}
	d.WithValueAttribute(sdp.AttrKeyGroup, "BUNDLE "+o.mid)
	for i, m := range o.streams {
		if i != o.audio {
			d.WithMedia(&sdp.MediaDescription{MediaName: sdp.MediaName{Media: m.MediaName.Media, Protos: m.MediaName.Protos, Formats: m.MediaName.Formats}})
			continue
		}
		d.WithMedia(o.audioStream(l))
	}
	return d.Marshal()
}

func (o *offer) audioStream(l local) *sdp.MediaDescription {
	anywhere := &sdp.ConnectionInformation{NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"}}
	m := &sdp.MediaDescription{
		MediaName:             sdp.MediaName{Media: "audio", Port: sdp.RangedPort{Value: 9}, Protos: []string{"UDP", "TLS", "RTP", "SAVPF"}},
		ConnectionInformation: anywhere,
	}
	setup := "passive"
	if o.passive {
		setup = "active" // RFC 8842, 5.3: it saves a round trip
	}
	m.WithValueAttribute("mid", o.mid).WithICECredentials(l.ice.ufrag, l.ice.pwd).WithFingerprint("sha-256", l.fingerprint)
	m.WithValueAttribute("setup", setup).WithPropertyAttribute("rtcp-mux").WithPropertyAttribute("sendrecv").WithValueAttribute("msid", "ivr audio")
	add := func(pt uint8, encoding, parameters string) {
		m.MediaName.Formats = append(m.MediaName.Formats, strconv.Itoa(int(pt)))
		m.WithValueAttribute("rtpmap", fmt.Sprintf("%d %s", pt, encoding))
		if parameters != "" {
			m.WithValueAttribute("fmtp", fmt.Sprintf("%d %s", pt, parameters))
		}
	}
	add(o.codec.PayloadType, o.codec.Encoding(), o.codec.Parameters())
	if o.digits != 0 {
		add(o.digits, fmt.Sprintf("%s/%d", telephoneEvent, o.codec.ClockRate), "0-15")
	}
	m.WithValueAttribute("ptime", "20")
	for _, line := range l.lines() {
		m.WithValueAttribute("candidate", line)
	}
	m.WithPropertyAttribute("end-of-candidates")
	return m
}

func (l local) lines() (lines []string) {
	for _, c := range l.candidates {
		lines = append(lines, c.Marshal())
	}
	return lines
}

// fragment is the body of a PATCH: candidates, and new credentials when ICE is to be restarted (RFC 8840, 9).
type fragment struct {
	ice        credentials
	candidates []ice.Candidate
}

const fragmentMost = 64 // lines that are looked at

// parseFragment reads trickle-ice-sdpfrag.
func parseFragment(body []byte) (f fragment, err error) {
	var attributes []sdp.Attribute
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\r\n")
		key, value, _ := strings.Cut(strings.TrimPrefix(line, "a="), ":")
		switch {
		case line == "" || strings.HasPrefix(line, "m="):
		case !strings.HasPrefix(line, "a="):
			return f, fmt.Errorf("%w fragment: line %q", errSyntax, line)
		case key == "ice-ufrag":
			f.ice.ufrag = value
		case key == "ice-pwd":
			f.ice.pwd = value
		case len(attributes) < fragmentMost:
			attributes = append(attributes, sdp.Attribute{Key: key, Value: value})
		}
	}
	f.candidates = candidatesOf(attributes)
	return f, nil
}

// marshal writes what answers a restart.
func (l local) marshal(mid string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:%s\r\n", l.ice.ufrag, l.ice.pwd, mid)
	for _, line := range l.lines() {
		fmt.Fprintf(&b, "a=candidate:%s\r\n", line)
	}
	b.WriteString("a=end-of-candidates\r\n")
	return []byte(b.String())
}
