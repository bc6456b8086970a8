package sip

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// NAPTR is a record that says by which transport a domain wants to be called (RFC 3263, 4.1).
type NAPTR struct {
	Order, Preference uint16
	Service           string // "SIPS+D2T"
	Name              string // of its SRV records, "_sips._tcp.example.com"
}

// Resolver finds servers by name.
type Resolver interface {
	LookupNAPTR(ctx context.Context, name string) ([]NAPTR, error)
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, addrs []*net.SRV, err error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// systemResolver is that of the machine. The standard library has no NAPTR: those are asked of the servers in resolv.conf.
type systemResolver struct{ *net.Resolver }

const resolvConf = "/etc/resolv.conf"

// LookupNAPTR returns the records of SIP; a name without any is no error.
func (systemResolver) LookupNAPTR(ctx context.Context, name string) ([]NAPTR, error) {
	conf, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil {
		return nil, err
	}
	return lookupNAPTR(ctx, conf, name)
}

func lookupNAPTR(ctx context.Context, conf *dns.ClientConfig, name string) (records []NAPTR, err error) {
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeNAPTR)
	question.SetEdns0(dns.DefaultMsgSize, false)
	err = errors.New("there is no DNS server")
	for _, server := range conf.Servers {
		var answer *dns.Msg
		at := net.JoinHostPort(server, conf.Port)
		answer, _, err = new(dns.Client).ExchangeContext(ctx, question, at)
		if err == nil && answer.Truncated {
			answer, _, err = (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, question, at)
		}
		if err != nil {
			continue
		}
		for _, rr := range answer.Answer {
			if r, ok := rr.(*dns.NAPTR); ok && strings.EqualFold(r.Flags, "s") {
				records = append(records, NAPTR{r.Order, r.Preference, r.Service, r.Replacement})
			}
		}
		return records, nil
	}
	return nil, err
}

// naptrNetworks are the transports of ours by the service field of a record.
var naptrNetworks = map[string]string{"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}

// preferred finds the servers that a domain's NAPTR records lead to, in the domain's order; none: it has no such records, or the
// question failed, and SRV is asked.
func (ua *UA) preferred(ctx context.Context, host string) (found []hop) {
	records, err := ua.cfg.Resolver.LookupNAPTR(ctx, host)
	if err != nil {
		return nil
	}
	slices.SortStableFunc(records, func(a, b NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	for _, r := range records {
		if network := naptrNetworks[strings.ToUpper(r.Service)]; network != "" {
			found = append(found, ua.listed(ctx, "", "", strings.TrimSuffix(r.Name, "."), network, host)...)
		}
	}
	return found
}

// listed are the servers of SRV records, best first.
func (ua *UA) listed(ctx context.Context, service, proto, name, network, host string) (found []hop) {
	_, records, err := ua.cfg.Resolver.LookupSRV(ctx, service, proto, name)
	if err != nil {
		return nil
	}
	for _, r := range records { // the resolver has sorted them (RFC 2782)
		addrs, err := ua.cfg.Resolver.LookupNetIP(ctx, "ip", strings.TrimSuffix(r.Target, "."))
		if err != nil {
			continue
		}
		for _, a := range addrs {
			found = append(found, hop{network, netip.AddrPortFrom(a.Unmap(), r.Port), host})
		}
	}
	return found
}
