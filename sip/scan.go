package sip

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
)

// maxMessage is the longest message we take, in bytes: what UDP can carry.
const maxMessage = 65535

// A fault is why a message is not handed to the parser. The sender of a request learns it as a response.
type fault struct {
	code   int // of the response; 0: none, as to a response
	reason string
	what   string // for the log
}

func bad(format string, args ...any) *fault {
	return &fault{400, "Bad Request", fmt.Sprintf(format, args...)}
}

// letter is a message as it came: cut into lines, not yet understood.
type letter struct {
	start  string
	fields []field
	body   []byte
	tidied bool // it differs from what came
}

type field struct{ name, value string }

// longNames are those of the compact forms (RFC 3261, 7.3.3 and the RFCs that added to them).
var longNames = map[string]string{
	"a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition", "e": "Content-Encoding", "f": "From",
	"i": "Call-ID", "j": "Reject-Contact", "k": "Supported", "l": "Content-Length", "m": "Contact", "n": "Identity-Info", "o": "Event",
	"r": "Refer-To", "s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires", "y": "Identity",
}

// once are the fields that make no sense twice.
var once = []string{"from", "to", "call-id", "cseq", "max-forwards", "content-length"}

// scan looks at one message before it is parsed, so that what is wrong with it is answered and counted and what is only odd is
// understood: folded lines, compact names, spaces, RFC 2543. It returns the message in plain form. RFC 4475 is the list of what
// comes.
func scan(data []byte) (*letter, *fault) {
	l, f := cut(data)
	if f != nil {
		return l, f
	}
	method, f := l.checkStart()
	if f == nil {
		f = l.checkFields(method)
	}
	if f != nil && method == "" {
		f.code = 0 // nobody answers a response
	}
	return l, f
}

// cut takes start line, fields and body apart.
func cut(data []byte) (*letter, *fault) {
	l := &letter{}
	head, body, found := bytes.Cut(data, []byte("\r\n\r\n"))
	if !found {
		return l, &fault{what: "no end of the header"}
	}
	l.body = body
	for i, line := range strings.Split(string(head), "\r\n") {
		switch {
		case i == 0:
			l.start = line
		case strings.ContainsAny(line, "\r\n"):
			return l, bad("a bare line end")
		case line != "" && (line[0] == ' ' || line[0] == '\t'):
			if len(l.fields) == 0 {
				return l, bad("a folded start line")
			}
			last := &l.fields[len(l.fields)-1]
			last.value = strings.TrimSpace(last.value + " " + strings.TrimSpace(line))
			l.tidied = true
		default:
			name, value, found := strings.Cut(line, ":")
			short := strings.TrimRight(name, " \t")
			if !found || !isToken(short) {
				return l, bad("%q is no header field", clip(line))
			}
			if long := longNames[strings.ToLower(short)]; long != "" {
				short = long
			}
			l.tidied = l.tidied || short != name
			l.fields = append(l.fields, field{short, strings.TrimSpace(value)})
		}
	}
	return l, nil
}

// checkStart returns the method of a request, "" of a response.
func (l *letter) checkStart() (method string, f *fault) {
	parts := strings.Fields(l.start)
	if len(parts) > 1 && strings.EqualFold(parts[0], "SIP/2.0") {
		if code, err := strconv.Atoi(parts[1]); err != nil || code < 100 || code > 699 {
			return "", &fault{what: "status " + clip(parts[1])}
		}
		return "", nil
	}
	if len(parts) < 2 || !isToken(parts[0]) {
		return "", &fault{what: fmt.Sprintf("%q is no SIP", clip(l.start))}
	}
	method = parts[0]
	version := parts[len(parts)-1]
	switch {
	case !strings.HasPrefix(strings.ToUpper(version), "SIP/"):
		return "", &fault{what: fmt.Sprintf("%q is no SIP", clip(l.start))}
	case !strings.EqualFold(version, "SIP/2.0"):
		return method, &fault{505, "Version Not Supported", "version " + clip(version)}
	case len(parts) != 3:
		return method, bad("start line %q", clip(l.start))
	}
	if plain := strings.Join(parts, " "); plain != l.start {
		l.start, l.tidied = plain, true
	}
	scheme, _, found := strings.Cut(parts[1], ":")
	switch s := strings.ToLower(scheme); {
	case !found || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") != "":
		return method, bad("Request-URI %q", clip(parts[1]))
	case s != "sip" && s != "sips" && s != "tel":
		return method, &fault{416, "Unsupported URI Scheme", "scheme " + clip(scheme)}
	}
	return method, checkURI(parts[1])
}

// checkFields looks at what we rely on. method is "" for a response.
func (l *letter) checkFields(method string) *fault {
	count := map[string]int{}
	for i := range l.fields {
		field := &l.fields[i]
		name := strings.ToLower(field.name)
		count[name]++
		if count[name] == 2 && slices.Contains(once, name) && (name != "content-length" || field.value != l.get(name)) {
			return bad("more than one %s", field.name)
		}
		if f := l.checkField(field, name, method, count[name]); f != nil {
			return f
		}
	}
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		if count[strings.ToLower(name)] == 0 {
			return bad("no %s", name)
		}
	}
	if count["content-length"] == 0 { // a datagram ends where it ends
		l.fields = append(l.fields, field{"Content-Length", strconv.Itoa(len(l.body))})
		l.tidied = true
	}
	return l.checkLength()
}

func (l *letter) checkField(field *field, name, method string, nth int) *fault {
	var f *fault
	plain := field.value
	switch name {
	case "via":
		plain, f = l.tidyVia(field.value, nth == 1)
	case "from", "to", "contact":
		plain = squeeze(field.value, ";=,")
		f = checkAddresses(plain, name == "contact")
	case "call-id":
		if strings.ContainsAny(field.value, " \t") || field.value == "" {
			f = bad("Call-ID %q", clip(field.value))
		}
	case "cseq":
		plain, f = checkCSeq(field.value, method)
	case "max-forwards":
		n, err := strconv.ParseUint(field.value, 10, 8)
		if plain = strconv.FormatUint(n, 10); err != nil {
			f = bad("Max-Forwards %q", clip(field.value))
		}
	case "expires":
		if _, err := strconv.ParseUint(field.value, 10, 32); err != nil {
			f = bad("Expires %q", clip(field.value))
		}
	}
	if f == nil && plain != field.value {
		field.value, l.tidied = plain, true
	}
	return f
}

func checkCSeq(value, method string) (plain string, f *fault) {
	parts := strings.Fields(value)
	if len(parts) != 2 {
		return value, bad("CSeq %q", clip(value))
	}
	n, err := strconv.ParseUint(parts[0], 10, 31)
	if err != nil || method != "" && parts[1] != method {
		return value, bad("CSeq %q of a %s", clip(value), clip(method))
	}
	return fmt.Sprintf("%d %s", n, parts[1]), nil
}

// checkLength: a datagram may be longer than it says, not shorter (RFC 3261, 18.3).
func (l *letter) checkLength() *fault {
	value := l.get("content-length")
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil || int(n) > len(l.body) {
		return bad("Content-Length %s of %d bytes", clip(value), len(l.body))
	}
	if int(n) < len(l.body) {
		l.body, l.tidied = l.body[:n], true
	}
	return nil
}

// get returns the first field of a name in lower case.
func (l *letter) get(name string) string {
	for _, f := range l.fields {
		if strings.ToLower(f.name) == name {
			return f.value
		}
	}
	return ""
}

// tidyVia writes one Via field plainly. A client of RFC 2543 sends no branch: it gets one made of what its transaction is told by
// (RFC 3261, 17.2.3), since sipgo would want a tag that such a client has not either.
func (l *letter) tidyVia(value string, top bool) (string, *fault) {
	hops := splitList(value)
	for i, hop := range hops {
		sent, params, _ := strings.Cut(squeeze(hop, ";=/,"), ";")
		protocol, by, found := strings.Cut(sent, " ")
		by = strings.ReplaceAll(by, " ", "")
		if !found || strings.Count(protocol, "/") != 2 || !strings.HasPrefix(strings.ToUpper(protocol), "SIP/2.0/") || !isHostPort(by) {
			return value, bad("Via %q", clip(hop))
		}
		branch := false
		plain := protocol + " " + by
		for _, p := range strings.Split(params, ";") {
			if p == "" && params != "" || p == "branch=z9hG4bK" {
				return value, bad("Via %q", clip(hop))
			}
			if p != "" {
				plain += ";" + p
			}
			branch = branch || strings.HasPrefix(p, "branch=")
		}
		if top && i == 0 && !branch {
			plain += ";branch=z9hG4bK-2543-" + l.oldKey()
		}
		hops[i] = plain
	}
	return strings.Join(hops, ", "), nil
}

func (l *letter) oldKey() string {
	h := fnv.New64a()
	number, _, _ := strings.Cut(l.get("cseq"), " ")
	for _, s := range []string{l.get("from"), l.get("call-id"), number} {
		h.Write([]byte(s + "\n"))
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// bytes is the message in plain form.
func (l *letter) bytes() []byte {
	var b bytes.Buffer
	b.WriteString(l.start + "\r\n")
	for _, f := range l.fields {
		b.WriteString(f.name + ": " + f.value + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(l.body)
	return b.Bytes()
}

// refusal is the response that tells a fault, without any state of ours; nil: none is due.
func (l *letter) refusal(f *fault) []byte {
	if f.code == 0 || strings.HasPrefix(l.start, "ACK ") {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", f.code, f.reason)
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		for _, f := range l.fields {
			if strings.EqualFold(f.name, name) {
				if name == "To" && !strings.Contains(f.value, ";tag=") {
					f.value += ";tag=" + newTag()
				}
				b.WriteString(name + ": " + f.value + "\r\n")
			}
		}
	}
	fmt.Fprintf(&b, "Warning: 399 ivr %q\r\nContent-Length: 0\r\n\r\n", f.what)
	return b.Bytes()
}
