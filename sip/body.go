package sip

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"github.com/emiago/sipgo/sip"
)

const contentSDP = "application/sdp"

// accept lists the bodies we understand.
const accept = "application/sdp, multipart/mixed, multipart/alternative"

// errBodyType says that a message carries something other than a session description.
var errBodyType = errors.New("sip: body of an unknown type")

// offerOf reads the session description of a message; nil: it has none. Carriers wrap it up with their own signalling in
// multipart/mixed (RFC 5621, RFC 3372).
func offerOf(m interface {
	Body() []byte
	GetHeader(name string) sip.Header
}) (*remoteMedia, error) {
	body := m.Body()
	if len(body) == 0 {
		return nil, nil
	}
	if h := m.GetHeader("Content-Encoding"); h != nil && !strings.EqualFold(h.Value(), "identity") {
		return nil, fmt.Errorf("%w: encoded as %q", errBodyType, h.Value())
	}
	kind := contentSDP // of a peer that forgot to say
	if h := m.GetHeader("Content-Type"); h != nil {
		kind = h.Value()
	}
	sdp, err := findSDP(kind, body)
	if err != nil {
		return nil, err
	}
	return parseSDP(sdp)
}

// findSDP returns the first session description of a body of the given Content-Type.
func findSDP(kind string, body []byte) ([]byte, error) {
	name, params, err := mime.ParseMediaType(kind)
	if err != nil {
		name, _, _ = strings.Cut(kind, ";")
		name = strings.ToLower(strings.TrimSpace(name))
	}
	if name == contentSDP {
		return body, nil
	}
	if !strings.HasPrefix(name, "multipart/") || params["boundary"] == "" {
		return nil, fmt.Errorf("%w: %q", errBodyType, kind)
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return nil, fmt.Errorf("%w: %q holds no %s", errBodyType, kind, contentSDP)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if kind != contentSDP {
			continue
		}
		return io.ReadAll(part) // bounded by the message
	}
}
