package sip

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// hop is where a request is sent next.
type hop struct {
	network string // "udp", "tcp" or "tls"
	addr    netip.AddrPort
	host    string // the name that its certificate must bear
}

func (h hop) String() string { return h.network + ":" + h.addr.String() }

// most hops that one name may lead to: a caller waits for each in turn.
const maxHops = 6

// hops finds the servers that a URI leads to, best first (RFC 3263, 4): those that the name's NAPTR and SRV records list, by priority
// and weight; without such records, or with a port in the URI, the addresses of the name.
func (ua *UA) hops(ctx context.Context, uri sip.Uri) ([]hop, error) {
	host := strings.Trim(uri.Host, "[]")
	if maddr, ok := uri.UriParams.Get("maddr"); ok {
		host = strings.Trim(maddr, "[]")
	}
	network, fixed := transportOf(uri)
	port := uri.Port
	if addr, err := netip.ParseAddr(host); err == nil {
		if port == 0 {
			port = sip.DefaultPort(network)
		}
		return []hop{{network, netip.AddrPortFrom(addr.Unmap(), uint16(port)), host}}, nil
	}
	var found []hop
	if port == 0 {
		found = ua.services(ctx, host, network, fixed)
		port = sip.DefaultPort(network)
	}
	if len(found) == 0 {
		addrs, err := ua.cfg.Resolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, fmt.Errorf("sip: cannot find %s: %w", host, err)
		}
		for _, a := range addrs {
			found = append(found, hop{network, netip.AddrPortFrom(a.Unmap(), uint16(port)), host})
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("sip: cannot find %s: it has no address", host)
	}
	return found[:min(len(found), maxHops)], nil
}

// transportOf is the transport that a URI asks for; not fixed: it leaves the choice to us.
func transportOf(uri sip.Uri) (network string, fixed bool) {
	t, fixed := uri.UriParams.Get("transport")
	t = strings.ToLower(t)
	switch {
	case uri.Scheme == "sips" || t == "tls":
		return "tls", true
	case fixed && t != "":
		return t, true
	}
	return "udp", false
}

// services asks which servers a domain has for SIP. Where the URI does not fix the transport the domain says which it likes best; if
// it does not say either, UDP goes first.
func (ua *UA) services(ctx context.Context, host, network string, fixed bool) (found []hop) {
	networks := []string{network}
	if !fixed {
		if found = ua.preferred(ctx, host); len(found) > 0 {
			return found
		}
		networks = []string{"udp", "tcp"}
	}
	for _, network := range networks {
		service, proto := "sip", network
		if network == "tls" {
			service, proto = "sips", "tcp"
		}
		if found = ua.listed(ctx, service, proto, host, network, host); len(found) > 0 {
			return found
		}
	}
	return nil
}

// parseTarget reads "sip:user@host;transport=tcp", "sips:host", "host" or "host:port".
func parseTarget(s string) (sip.Uri, error) {
	var uri sip.Uri
	if !strings.HasPrefix(s, "sip:") && !strings.HasPrefix(s, "sips:") {
		s = "sip:" + s
	}
	if f := checkURI(s); f != nil {
		return uri, fmt.Errorf("sip: %q is not a SIP address: want sip:user@host", s)
	}
	if err := sip.ParseUri(s, &uri); err != nil || uri.Host == "" {
		return uri, fmt.Errorf("sip: %q is not a SIP address: want sip:user@host", s)
	}
	return uri, nil
}

// numberOf is the number or name in a URI: of tel: without the dashes and dots that are there for the eye (RFC 3966, 3), of sip:
// without parameters of the user part.
func numberOf(uri sip.Uri) string {
	if uri.Scheme == "tel" {
		return telNumber(uri.Raw())
	}
	user, _, _ := strings.Cut(uri.User, ";")
	return unescape(user)
}

// telNumber is the number of a tel: URI without its scheme.
func telNumber(s string) string {
	number, _, _ := strings.Cut(s, ";")
	return strings.NewReplacer("-", "", ".", "", "(", "", ")", "", " ", "").Replace(unescape(number))
}

// unescape resolves %2B and the like; what is no escape stays.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil && c >= ' ' && c != 0x7f {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// CheckTarget says what is wrong with an address that a configuration names: "sip:user@host;transport=tcp", "sips:host", "host:port".
func CheckTarget(s string) error {
	_, err := parseTarget(s)
	return err
}
