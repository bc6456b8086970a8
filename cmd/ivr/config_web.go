package main

import (
	"fmt"
	"net/netip"
	"net/url"

	"ivr/internal/strict"
	"ivr/webrtc"
)

// keyLeast is how long a key must be that opens the door to calls.
const keyLeast = 16

func (c *config) validateCallPage(f *strict.File) {
	p := &c.Web.Call
	if _, ok := c.botFor(p.Number); !ok && p.Number != "" {
		f.Mistake("web.call.number", fmt.Sprintf("no bot answers %q", p.Number), "name a number of bots")
	}
	if p.Key != "" && len(p.Key) < keyLeast {
		f.Mistake("web.call.key", "the key is too short to be a secret", fmt.Sprintf("use at least %d characters drawn at random", keyLeast))
	}
	for i, site := range p.Sites {
		u, err := url.Parse(site)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Path != "" || u.RawQuery != "" {
			f.Mistake(fmt.Sprintf("web.call.sites[%d]", i), fmt.Sprintf("%q is not the origin of a web site", site), `write it like "https://www.example.com"`)
		}
	}
	if at, err := netip.ParseAddrPort(p.UDP); err != nil || at.Addr().IsUnspecified() && at.Port() == 0 {
		f.Mistake("web.call.udp", fmt.Sprintf("%q is not an IP address with a port", p.UDP), `write it like "192.0.2.10:3479"`)
	}
	c.wantAddr(f, "web.call.external", p.External)
	if p.MaxCalls < 0 {
		f.Mistake("web.call.max_calls", "must not be negative", "leave it out for the default, 50")
	}
	if _, err := webrtc.New(webrtc.Config{Servers: p.Servers}); err != nil {
		f.Mistake("web.call.servers", err.Error(), `write them like {url: "stun:stun.example.com:3478"}`)
	}
}

// botFor is the file of the bot that answers a number.
func (c *config) botFor(number string) (file string, ok bool) {
	if file, ok = c.Bots[number]; !ok {
		file, ok = c.Bots["*"]
	}
	return file, ok
}

// endpoint is what the webrtc package wants to know.
func (p *callPageConfig) endpoint() webrtc.Config {
	at, _ := netip.ParseAddrPort(p.UDP) // was checked
	external, _ := parseAddr(p.External)
	return webrtc.Config{Listen: at, External: external, Servers: p.Servers, MaxCalls: p.MaxCalls}
}
