package main

import (
	"fmt"
	"net/netip"
	"time"

	"ivr/sip"
)

// sip is what the sip package wants to know. The configuration was checked: an error is that of a file that has changed since.
func (c *config) sip() (sip.Config, error) {
	out := sip.Config{
		MaxCalls: c.SIP.MaxCalls, RetryAfter: c.SIP.RetryAfter, UserAgent: "ivr",
		Guard: sip.Guard{Strikes: c.SIP.Guard.Strikes, Ban: c.SIP.Guard.Ban, MaxBan: c.SIP.Guard.MaxBan, Rate: c.SIP.Guard.Rate},
	}
	var err error
	if out.External, err = parseAddr(c.SIP.External); err != nil {
		return out, err
	}
	for _, l := range c.SIP.Listen {
		network, addr, err := splitListen(l)
		if err != nil {
			return out, err
		}
		out.Listen = append(out.Listen, sip.Listen{Network: network, Addr: addr})
	}
	if out.Allow, err = parsePrefixes(c.SIP.Allow); err != nil {
		return out, err
	}
	if c.SIP.TLS.Cert != "" {
		if out.TLS, err = c.SIP.TLS.server(c.path); err != nil {
			return out, fmt.Errorf("sip.tls: %w", err)
		}
	}
	for _, name := range c.trunkNames() {
		t, err := c.trunk(name)
		if err != nil {
			return out, fmt.Errorf("trunks.%s: %w", name, err)
		}
		out.Trunks = append(out.Trunks, t)
	}
	return out, nil
}

// trunk is one as the sip package wants to know it.
func (c *config) trunk(name string) (sip.Trunk, error) {
	t := c.Trunks[name]
	out := sip.Trunk{
		Name: name, Address: t.Address, User: t.User, Register: t.Register, Expires: t.Expires,
		MaxCalls: t.MaxCalls, CallRate: t.CallRate, In: rules(t.In), Out: rules(t.Out), Number: t.Number,
		ShowCaller: t.ShowCaller, Distrust: t.Distrust, Host: t.Host, Keep: t.Keep, Pass: t.Pass,
		SRTP: sip.SRTP(t.SRTP), Identity: sip.Identity(t.Identity), KeepAlive: time.Duration(t.KeepAlive),
	}
	if t.Identity == "asserted" {
		out.Identity = sip.Asserted
	}
	if t.Transport != "" && t.Address != "" {
		out.Address += ";transport=" + t.Transport
	}
	var err error
	if out.Password, err = t.Password.reveal(c.folder); err != nil {
		return out, err
	}
	out.Challenge.User = t.Challenge.User
	if out.Challenge.Password, err = t.Challenge.Password.reveal(c.folder); err != nil {
		return out, err
	}
	if out.Sources, err = parsePrefixes(t.Sources); err != nil {
		return out, err
	}
	out.TLS, err = t.TLS.client(c.path)
	return out, err
}

func rules(all []ruleConfig) []sip.Rule {
	out := make([]sip.Rule, len(all))
	for i, r := range all {
		out[i] = sip.Rule{Match: r.Match, Strip: r.Strip, Prefix: r.Prefix}
	}
	return out
}

// parsePrefixes reads networks and addresses.
func parsePrefixes(all []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, len(all))
	for i, s := range all {
		p, err := parsePrefix(s)
		if err != nil {
			return nil, err
		}
		out[i] = p
	}
	return out, nil
}
