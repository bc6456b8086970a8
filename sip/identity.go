package sip

import (
	"fmt"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Who calls, and whom, as our numbers: rewritten by the rules of the trunk.

// From is the calling number, "" when it is withheld. A trunk's P-Asserted-Identity is believed more than From, which is the
// caller's own claim (RFC 3325, 9.1).
func (l *Leg) From() string {
	number := numberOf(l.invite.From().Address)
	if asserted, ok := l.asserted(); ok {
		number = numberOf(asserted)
	}
	if l.Private() || strings.EqualFold(number, "anonymous") || strings.EqualFold(number, "unknown") {
		return ""
	}
	return l.normal(number)
}

// asserted is the first P-Asserted-Identity with a number in it, of a trunk that is believed.
func (l *Leg) asserted() (uri sip.Uri, ok bool) {
	if l.trunk == nil || l.trunk.Distrust {
		return uri, false
	}
	for _, name := range []string{"P-Asserted-Identity", "Remote-Party-ID"} {
		for _, h := range l.invite.GetHeaders(name) {
			for _, value := range splitList(h.Value()) {
				if uri, ok := addressOf(value); ok && numberOf(uri) != "" {
					return uri, true
				}
			}
		}
	}
	return uri, false
}

// addressOf reads the URI of a name-addr or addr-spec.
func addressOf(value string) (uri sip.Uri, ok bool) {
	open, end, ok := angles(value)
	if !ok {
		return uri, false
	}
	text, _, _ := strings.Cut(value, ";")
	if open >= 0 {
		text = value[open+1 : end]
	}
	return uri, checkURI(text) == nil && sip.ParseUri(text, &uri) == nil
}

// Private says that the caller wants to stay unknown (RFC 3323, 4.2).
func (l *Leg) Private() bool {
	for _, h := range l.invite.GetHeaders("Privacy") {
		for _, value := range strings.FieldsFunc(h.Value(), func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			switch strings.ToLower(value) {
			case "id", "user", "header":
				return true
			}
		}
	}
	return strings.EqualFold(l.invite.From().Address.Host, "anonymous.invalid")
}

// To is the called number: that of the Request-URI, which a diversion changes and To does not. A trunk that we registered with
// calls our Contact: there the number is in To.
func (l *Leg) To() string {
	if l.tx == nil {
		return numberOf(l.invite.To().Address)
	}
	number := numberOf(l.invite.Recipient)
	if number == "" || number == "ivr" || l.trunk != nil && (number == l.trunk.Name || number == l.trunk.User) {
		if to := numberOf(l.invite.To().Address); to != "" {
			number = to
		}
	}
	return l.normal(number)
}

// Diverted is the number that the caller called first, when the call was passed on to us; "" when it was not (RFC 5806, RFC 7044).
func (l *Leg) Diverted() string {
	if all := splitList(l.Header("Diversion")); all[0] != "" { // the topmost is the last; the first one that was called is the last
		if uri, ok := addressOf(all[len(all)-1]); ok {
			return l.normal(numberOf(uri))
		}
	}
	if all := splitList(l.Header("History-Info")); len(all) > 1 {
		if uri, ok := addressOf(all[0]); ok {
			return l.normal(numberOf(uri))
		}
	}
	return ""
}

func (l *Leg) normal(number string) string {
	if l.trunk == nil {
		return number
	}
	return Rewrite(number, l.trunk.In)
}

// DisplayName is that of From, as received.
func (l *Leg) DisplayName() string {
	if l.Private() {
		return ""
	}
	return strings.Trim(l.invite.From().DisplayName, `"`)
}

// Trunk is the name of the trunk that the leg is on, "" if it is a phone.
func (l *Leg) Trunk() string {
	if l.trunk == nil {
		return ""
	}
	return l.trunk.Name
}

// caller is the From of a call of ours.
func (l *Leg) caller(req DialRequest, ourHost string) *sip.FromHeader {
	from := &sip.FromHeader{DisplayName: req.DisplayName, Params: sip.NewParams(),
		Address: sip.Uri{Scheme: "sip", User: orDefault(req.From, "ivr"), Host: ourHost}}
	if t := l.trunk; t != nil {
		from.Address.Host = t.ourHost()
		switch {
		case req.Private:
		case t.ShowCaller && req.From != "":
			from.Address.User = Rewrite(req.From, t.Out)
		default:
			from.DisplayName, from.Address.User = "", t.account()
		}
	}
	if req.Private { // RFC 3323, 4.1.1.3
		from.DisplayName, from.Address.User, from.Address.Host = "Anonymous", "anonymous", "anonymous.invalid"
	}
	from.Params.Add("tag", l.tag)
	return from
}

// identity are the other headers that say who calls: who pays (RFC 3325), who wants to stay unknown (RFC 3323), and whose call it
// was (RFC 5806).
func (l *Leg) identity(req DialRequest, ourHost string) (all []sip.Header) {
	t := l.trunk
	if t == nil {
		if req.Private {
			all = append(all, sip.NewHeader("Privacy", "id"))
		}
		return all
	}
	if name := map[Identity]string{Asserted: "P-Asserted-Identity", Preferred: "P-Preferred-Identity"}[t.Identity]; name != "" {
		all = append(all, sip.NewHeader(name, fmt.Sprintf("<sip:%s@%s>", t.account(), t.ourHost())))
	}
	if req.Private {
		all = append(all, sip.NewHeader("Privacy", "id"))
	}
	if req.Diverted != "" && t.ShowCaller {
		all = append(all, sip.NewHeader("Diversion",
			fmt.Sprintf("<sip:%s@%s>;reason=unconditional", headerText(Rewrite(req.Diverted, t.Out)), t.ourHost())))
	}
	return all
}

// account is how the trunk knows us.
func (t *trunk) account() string {
	switch {
	case t.Number != "":
		return Rewrite(t.Number, t.Out)
	case t.User != "":
		return t.User
	}
	return "ivr"
}

// ourHost is the domain of our numbers there.
func (t *trunk) ourHost() string { return orDefault(t.Host, t.uri.Host) }

// Kept are the headers of the INVITE that the trunk is configured to keep, by the name in the configuration.
func (l *Leg) Kept() map[string]string {
	if l.trunk == nil {
		return nil
	}
	kept := map[string]string{}
	for _, name := range l.trunk.Keep {
		if h := l.invite.GetHeader(name); h != nil {
			kept[name] = h.Value()
		}
	}
	return kept
}

// passes says whether a header of a call of ours goes along to the trunk: what we know of a caller is not every carrier's business.
func (t *trunk) passes(name string) bool {
	return t == nil || slices.ContainsFunc(t.Pass, func(p string) bool { return p == "*" || strings.EqualFold(p, name) })
}

func (t *trunk) ours() Credentials { return Credentials{t.User, t.Password} }

func (t *trunk) isUp() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.Up
}

func (t *trunk) serviceRoute() []sip.Header {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.routes
}
