package sip

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// extensions we speak, for Supported.
const supported = "100rel, timer, replaces"

// headed is a request or a response.
type headed interface {
	GetHeader(name string) sip.Header
	GetHeaders(name string) []sip.Header
}

// lists says whether a header field has an item, in whatever case.
func lists(m headed, name, item string) bool {
	for _, h := range m.GetHeaders(name) {
		for one := range strings.SplitSeq(h.Value(), ",") {
			if strings.EqualFold(strings.TrimSpace(one), item) {
				return true
			}
		}
	}
	return false
}

// unsupported are the extensions that a request requires and we do not speak.
func unsupported(req *sip.Request) (all []string) {
	for _, h := range req.GetHeaders("Require") {
		for one := range strings.SplitSeq(h.Value(), ",") {
			one = strings.TrimSpace(one)
			if one != "" && !listed(supported, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

// listed says whether a list has an item, in whatever case.
func listed(list, item string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(one), item) {
			return true
		}
	}
	return false
}

// reasonHeader says why a call ends (RFC 3326). What is no "SIP;cause=..." or "Q.850;cause=..." is put into one.
func reasonHeader(reason string, cause int) sip.Header {
	if !strings.Contains(reason, ";cause=") {
		reason = fmt.Sprintf("SIP;cause=%d;text=%q", cause, headerText(reason))
	}
	return sip.NewHeader("Reason", headerText(reason))
}

// userToUser is the header that carries a text end to end (RFC 7433).
func userToUser(text string) sip.Header {
	return sip.NewHeader("User-to-User", hex.EncodeToString([]byte(text))+";encoding=hex")
}

// UserToUser is what the far end's network or application sent along with the call (RFC 7433), decoded; "" if it sent nothing.
func (l *Leg) UserToUser() string {
	value, params, _ := strings.Cut(l.Header("User-to-User"), ";")
	value = strings.TrimSpace(value)
	encoding := "hex" // RFC 7433, 4.1: the default of the default package
	for p := range strings.SplitSeq(params, ";") {
		if name, v, ok := strings.Cut(strings.TrimSpace(p), "="); ok && strings.EqualFold(name, "encoding") {
			encoding = strings.ToLower(strings.Trim(v, `"`))
		}
	}
	if text, ok := strings.CutPrefix(value, `"`); ok {
		return strings.TrimSuffix(text, `"`)
	}
	if encoding == "hex" {
		if text, err := hex.DecodeString(value); err == nil {
			return string(text)
		}
	}
	return value
}
