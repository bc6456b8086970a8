package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"ivr/sip"
)

// patient is the trunk that is being looked at.
type patient struct {
	name  string
	cfg   *config
	trunk trunkConfig
	now   time.Time
}

// found is one finding; change begins with the setting, in whose name NAME is the trunk's.
func (p patient) found(step, verdict, what, change string) finding {
	return finding{p.name, step, verdict, what, strings.ReplaceAll(change, "NAME", p.name)}
}

// diagnose says in words what was found.
func (p patient) diagnose(x *sip.Examination) (all []finding) {
	if p.trunk.Address == "" {
		return []finding{p.found("name", well, "it only calls us, from "+strings.Join(p.trunk.Sources, ", ")+": there is nothing to try", "")}
	}
	if x.Lookup != nil && len(x.Servers) == 0 {
		return []finding{p.found("name", wrong, p.trunk.Address+" leads nowhere: "+rootOf(x.Lookup).Error(),
			"correct trunks.NAME.address; if it is right, look at this machine's DNS (/etc/resolv.conf)")}
	}
	var servers []string
	for _, s := range x.Servers {
		servers = append(servers, s.Network+":"+s.Addr.String())
	}
	all = append(all, p.found("name", well, p.trunk.Address+" leads to "+strings.Join(servers, ", "), ""))
	for i, s := range x.Servers {
		found := p.server(s)
		if i > 0 { // the first is the one in use: what others lack is a warning
			for j := range found {
				if found[j].Verdict == wrong {
					found[j].Verdict = advice
				}
			}
		}
		all = append(all, found...)
	}
	return all
}

func (p patient) server(s sip.Server) (all []finding) {
	at := s.Network + ":" + s.Addr.String()
	if s.Connect != nil {
		all = append(all, p.connection(s, at))
		return append(all, p.certificate(s)...)
	}
	if s.Network != "udp" {
		what := at + " takes the connection"
		if s.Version != 0 {
			what += ", " + tls.VersionName(s.Version)
		}
		all = append(all, p.found("connection", well, what, ""))
	}
	all = append(all, p.certificate(s)...)
	all = append(all, p.answer(s, at))
	if s.Ping != nil {
		return all
	}
	all = append(all, p.place(s))
	if s.Asked {
		all = append(all, p.account(s))
	}
	return all
}

// connection explains why there is none.
func (p patient) connection(s sip.Server, at string) finding {
	var (
		name        x509.HostnameError
		authority   x509.UnknownAuthorityError
		invalid     x509.CertificateInvalidError
		alert       tls.AlertError
		notTLS      tls.RecordHeaderError
		refused     = errors.Is(s.Connect, syscall.ECONNREFUSED)
		timeout     = isTimeout(s.Connect)
		unreachable = errors.Is(s.Connect, syscall.ENETUNREACH) || errors.Is(s.Connect, syscall.EHOSTUNREACH)
	)
	switch {
	case errors.As(s.Connect, &name):
		return p.found("connection", wrong, fmt.Sprintf("the certificate of %s is not for %s but for %s", at, s.Name, names(s.Chain)),
			"write the name that it bears in trunks.NAME.address, or in trunks.NAME.tls.name if the address must stay")
	case errors.As(s.Connect, &authority):
		return p.found("connection", wrong, fmt.Sprintf("nobody here vouches for the certificate of %s, which %s has signed", at, issuer(s.Chain)),
			"put the PEM file of that authority in trunks.NAME.tls.ca")
	case errors.As(s.Connect, &invalid) && invalid.Reason == x509.Expired:
		return p.found("connection", wrong, fmt.Sprintf("the certificate of %s is out of date", at), "the far end has to renew it; look at this machine's clock too")
	case errors.As(s.Connect, &alert) && strings.Contains(alert.Error(), "certificate"):
		return p.found("connection", wrong, at+" does not take our certificate: "+alert.Error(),
			"it wants to know us by one (mutual TLS): put it in trunks.NAME.tls.cert and trunks.NAME.tls.key, and have the far end trust it")
	case errors.As(s.Connect, &notTLS):
		return p.found("connection", wrong, at+" does not speak TLS", "write trunks.NAME.transport: tcp, or the port on which it speaks TLS (5061 as a rule) in trunks.NAME.address")
	case refused:
		return p.found("connection", wrong, at+" refuses the connection: nobody listens there", "correct the port in trunks.NAME.address, or trunks.NAME.transport")
	case timeout, unreachable:
		return p.found("connection", wrong, at+" cannot be reached: "+rootOf(s.Connect).Error(), "a firewall between us stops it, or the address is wrong: trunks.NAME.address")
	}
	return p.found("connection", wrong, s.Connect.Error(), "trunks.NAME.address and trunks.NAME.transport decide where we connect")
}

// certificate tells what the server showed.
func (p patient) certificate(s sip.Server) (all []finding) {
	if len(s.Chain) == 0 {
		return nil
	}
	first := s.Chain[0]
	what := fmt.Sprintf("for %s, signed by %s, until %s", names(s.Chain), issuer(s.Chain), first.NotAfter.Format("2006-01-02"))
	if left := first.NotAfter.Sub(p.now); left < 14*24*time.Hour {
		return append(all, p.found("certificate", advice, what+": that is soon", "the far end has to renew it"))
	}
	return append(all, p.found("certificate", well, what, ""))
}

// answer judges what it said to OPTIONS.
func (p patient) answer(s sip.Server, at string) finding {
	took := s.Took.Round(time.Millisecond)
	switch {
	case s.Ping != nil && s.Network == "udp":
		return p.found("answer", wrong, at+" says nothing",
			"many carriers are silent towards addresses that they do not know: have them allow ours; a firewall may stop UDP; perhaps it wants trunks.NAME.transport: tcp")
	case s.Ping != nil:
		return p.found("answer", wrong, at+" takes the connection and says nothing: "+rootOf(s.Ping).Error(),
			"many carriers are silent towards addresses that they do not know: have them allow ours")
	case s.Code == 503 || s.Code == 408:
		return p.found("answer", wrong, fmt.Sprintf("%s takes no calls now: %d %s", at, s.Code, s.Text), "it is for the far end to say why; calls go to the next trunk meanwhile")
	case s.Code == 403:
		return p.found("answer", advice, fmt.Sprintf("%s answers %d %s after %v: it may not know our address", at, s.Code, s.Text, took), "have the carrier allow our address; --call shows whether calls pass")
	}
	return p.found("answer", well, fmt.Sprintf("%s answers %d %s after %v", at, s.Code, s.Text, took), "")
}

// place judges where we say that we are: audio goes there.
func (p patient) place(s sip.Server) finding {
	ours, seen := s.Ours.Addr(), s.Seen.Addr().Unmap()
	switch server := s.Addr.Addr(); {
	case ours.IsLoopback() && !server.IsLoopback():
		return p.found("address", wrong, fmt.Sprintf("we listen on %s only: nobody else can reach us", ours), "write sip.listen: [udp://0.0.0.0:5060, tcp://0.0.0.0:5060]")
	case !s.Seen.IsValid() && ours.IsPrivate() && !server.IsPrivate() && !server.IsLoopback():
		return p.found("address", wrong, fmt.Sprintf("we say that we are at %s, which is private: its audio cannot come there (one-way audio)", ours),
			"write our public address in sip.external and forward the SIP port and rtp.ports ("+p.cfg.RTP.Ports+", UDP) to this machine")
	case !s.Seen.IsValid():
		return p.found("address", well, fmt.Sprintf("we say that we are at %s; where it sees us it does not say", ours), "")
	case seen != ours && p.cfg.SIP.External == "":
		return p.found("address", wrong, fmt.Sprintf("we say that we are at %s and it sees us at %s: there is a NAT between us, and its audio would go astray (one-way audio)", ours, seen),
			fmt.Sprintf("write sip.external: %s and forward the SIP port and rtp.ports (%s, UDP) to this machine", seen, p.cfg.RTP.Ports))
	case seen != ours:
		return p.found("address", wrong, fmt.Sprintf("sip.external says %s and it sees us at %s: its audio would go astray (one-way audio)", ours, seen),
			fmt.Sprintf("write sip.external: %s, unless calls leave this machine by another way than they come", seen))
	}
	return p.found("address", well, fmt.Sprintf("it sees us at %s, where we say that we are", seen), "")
}

// account judges what the registrar said.
func (p patient) account(s sip.Server) finding {
	var refused *sip.ResponseError
	switch {
	case s.Register == nil && len(s.Contacts) == 0:
		return p.found("account", well, p.trunk.User+" is known there; nothing is registered just now: ivr serve does it", "")
	case s.Register == nil:
		return p.found("account", well, fmt.Sprintf("%s is known there; registered: %s", p.trunk.User, strings.Join(s.Contacts, ", ")), "")
	case errors.As(s.Register, &refused) && (refused.Code == 401 || refused.Code == 403 || refused.Code == 407):
		return p.found("account", wrong, fmt.Sprintf("it does not take user %s and the password: %d %s", p.trunk.User, refused.Code, refused.Reason),
			"correct trunks.NAME.user and trunks.NAME.password; some carriers have another user for this than the number; who tries wrong ones often is banned")
	case errors.As(s.Register, &refused) && refused.Code == 404:
		return p.found("account", wrong, fmt.Sprintf("it knows no user %s: 404 %s", p.trunk.User, refused.Reason), "correct trunks.NAME.user, and the domain in trunks.NAME.address")
	case errors.As(s.Register, &refused) && (refused.Code == 405 || refused.Code == 501):
		return p.found("account", wrong, fmt.Sprintf("one does not register there: %d %s", refused.Code, refused.Reason), "leave trunks.NAME.register out, or name its registrar in trunks.NAME.address")
	}
	return p.found("account", wrong, "the registrar does not say: "+rootOf(s.Register).Error(), "the carrier can tell from its log of REGISTER requests")
}

// names are those that the first certificate of a chain bears.
func names(chain []*x509.Certificate) string {
	if len(chain) == 0 {
		return "nobody"
	}
	all := slices.Clone(chain[0].DNSNames)
	for _, ip := range chain[0].IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return fmt.Sprintf("%q, which is in its subject, where nobody looks any more", chain[0].Subject.CommonName)
	}
	return strings.Join(all, ", ")
}

func issuer(chain []*x509.Certificate) string {
	if len(chain) == 0 {
		return "nobody"
	}
	last := chain[len(chain)-1].Issuer
	return or(last.CommonName, last.String())
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// rootOf is what is at the bottom of a chain of errors.
func rootOf(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// private says whether an address means nothing outside of its own network.
func private(a netip.Addr) bool { return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() }
