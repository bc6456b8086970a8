package main

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ivr/console"
	"ivr/internal/strict"
	"ivr/sip"
)

// trunkConfig is one carrier, PBX or SBC. Zero values mean the defaults that the comments name.
type trunkConfig struct {
	Line strict.Line

	Profile   string   `yaml:"profile"`   // what its kind wants differently: see profiles [generic]
	Address   string   `yaml:"address"`   // sbc.example.com, 192.0.2.10:5080; none: it only calls us
	Transport string   `yaml:"transport"` // udp, tcp or tls [what its DNS records say, else udp]
	Sources   []string `yaml:"sources"`   // where its calls come from beside the address

	User      string            `yaml:"user"`
	Password  secret            `yaml:"password"`
	Register  bool              `yaml:"register"`  // tell it where we are
	Expires   time.Duration     `yaml:"expires"`   // of a registration [5m]
	Challenge credentialsConfig `yaml:"challenge"` // what it has to present when it calls [nothing: its address is enough]

	MaxCalls int     `yaml:"max_calls"` // at once, both directions [no limit of its own]
	CallRate float64 `yaml:"call_rate"` // calls a second that it may begin [no limit of its own]

	In         []ruleConfig `yaml:"in"`     // how its numbers become ours
	Out        []ruleConfig `yaml:"out"`    // how ours become its own
	Number     string       `yaml:"number"` // ours there
	ShowCaller bool         `yaml:"show_caller"`
	Distrust   bool         `yaml:"distrust"` // do not believe its P-Asserted-Identity
	Identity   string       `yaml:"identity"` // how it is told our number: asserted, preferred or none [asserted]
	Host       string       `yaml:"host"`     // our name, where it wants one instead of an address

	Keep []string `yaml:"keep"` // headers of its calls that go along to the seat
	Pass []string `yaml:"pass"` // headers of ours that it gets; "*": all [none]

	KeepAlive interval       `yaml:"keep_alive"` // how often it is asked whether it is there [30s]
	SRTP      string         `yaml:"srtp"`       // off, offer or require [offer over tls, else accepted where offered]
	TLS       trunkTLSConfig `yaml:"tls"`
}

type credentialsConfig struct {
	User     string `yaml:"user"`
	Password secret `yaml:"password"`
}

type ruleConfig struct {
	Match  string `yaml:"match"`  // beginning of the number [any]
	Strip  int    `yaml:"strip"`  // characters that go
	Prefix string `yaml:"prefix"` // what comes
}

type trunkTLSConfig struct {
	CA     string `yaml:"ca"`     // PEM file of the authorities that may vouch for it [the system's]
	Cert   string `yaml:"cert"`   // PEM file of our certificate, where it asks for one
	Key    string `yaml:"key"`    // PEM file of its key
	Name   string `yaml:"name"`   // that its certificate bears [the address]
	Verify *bool  `yaml:"verify"` // [true]
}

// serverTLSConfig is for calls that come to us over TLS.
type serverTLSConfig struct {
	Cert     string `yaml:"cert"`
	Key      string `yaml:"key"`
	ClientCA string `yaml:"client_ca"` // callers have to show a certificate that these authorities vouch for (mutual TLS)
}

// guardConfig says when a source is served no more.
type guardConfig struct {
	Strikes int           `yaml:"strikes"` // offences within a minute that lead to a ban [10]
	Ban     time.Duration `yaml:"ban"`     // the first one, then twice as long each time [1m]
	MaxBan  time.Duration `yaml:"max_ban"` // [24h]
	Rate    float64       `yaml:"rate"`    // messages a second of one source [500]
}

// profiles are the kinds of far end that are known to want something different. What the file says goes first.
var profiles = map[string]func(*trunkConfig){
	"generic": func(*trunkConfig) {},
	// Microsoft Teams Direct Routing: TLS and SRTP only, our certificate's name in Contact and From, OPTIONS every minute.
	"teams": func(t *trunkConfig) {
		setDefault(&t.Transport, "tls")
		setDefault(&t.SRTP, "require")
		setDefault(&t.KeepAlive, interval(time.Minute))
	},
	// Deutsche Telekom CompanyFlex (1TR119): registered; it shows the one of our numbers that P-Preferred-Identity names.
	"companyflex": func(t *trunkConfig) {
		t.Register = true
		setDefault(&t.Transport, "tcp")
		setDefault(&t.Identity, "preferred")
	},
}

// trunkNames are in the order of the file: those that come first are asked first to place a call.
func (c *config) trunkNames() []string {
	return slices.SortedFunc(maps.Keys(c.Trunks), func(a, b string) int {
		return int(c.Trunks[a].Line) - int(c.Trunks[b].Line)
	})
}

// fillInTrunks puts the defaults of the profiles where the file is silent.
func (c *config) fillInTrunks() {
	for name, t := range c.Trunks {
		if fill := profiles[t.Profile]; fill != nil {
			fill(&t)
			c.Trunks[name] = t
		}
	}
}

func (c *config) validateTrunks(f *strict.File) {
	for _, name := range c.trunkNames() {
		t := c.Trunks[name]
		at := "trunks." + name
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			f.Mistake(at, fmt.Sprintf("%q is no name for a trunk", name), "use letters, digits, - and _: it stands in Contact and in metrics")
		}
		if t.Profile != "" && profiles[t.Profile] == nil {
			f.Mistake(at+".profile", fmt.Sprintf("%q is not known", t.Profile), "choose "+strings.Join(slices.Sorted(maps.Keys(profiles)), ", "))
		}
		t.validateAddress(f, at)
		c.validateAccount(f, at, t)
		t.validateNumbers(f, at)
		if t.MaxCalls < 0 || t.CallRate < 0 {
			f.Mistake(at, "max_calls and call_rate must not be negative", "leave them out for no limit")
		}
		c.validateTrunkTLS(f, at, t)
		if c.listensHereOnly() && !isLoopback(t.Address) {
			c.advise(f, at, "sip.listen serves this machine only: a trunk elsewhere cannot reach us; write sip.listen: [udp://0.0.0.0:5060, tcp://0.0.0.0:5060]")
		}
	}
}

// listensHereOnly says whether nobody but this machine can call.
func (c *config) listensHereOnly() bool {
	return !slices.ContainsFunc(c.SIP.Listen, func(l string) bool {
		_, addr, err := splitListen(l)
		return err == nil && !isLoopback(addr)
	})
}

// isLoopback says whether an address with or without a port is this machine's own.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (t trunkConfig) validateAddress(f *strict.File, at string) {
	if t.Address == "" && len(t.Sources) == 0 {
		f.Mistake(at, "it has neither an address nor sources", "add address: sbc.example.com, where calls go; a trunk that only calls us has sources: [192.0.2.0/24]")
	}
	if t.Address != "" {
		if err := sip.CheckTarget(t.Address); err != nil || strings.ContainsAny(t.Address, "/@") {
			f.Mistake(at+".address", fmt.Sprintf("%q is not an address", t.Address), `write it like sbc.example.com or "192.0.2.10:5080"`)
		}
		if t.Transport != "" && strings.Contains(t.Address, "transport=") {
			f.Mistake(at+".transport", "the address has a transport too", "leave one of them out")
		}
	}
	if t.Transport != "" && !slices.Contains([]string{"udp", "tcp", "tls"}, t.Transport) {
		f.Mistake(at+".transport", fmt.Sprintf("%q is not known", t.Transport), "choose udp, tcp or tls; leave it out to have its DNS records decide")
	}
	for i, s := range t.Sources {
		if _, err := parsePrefix(s); err != nil {
			f.Mistake(fmt.Sprintf("%s.sources[%d]", at, i), fmt.Sprintf("%q is not an address or a network", s),
				`write it like "192.0.2.10" or "192.0.2.0/24"`)
		}
	}
	if _, err := netip.ParseAddr(t.Host); t.Host != "" && (err == nil || sip.CheckTarget(t.Host) != nil || strings.ContainsAny(t.Host, ":;@")) {
		f.Mistake(at+".host", fmt.Sprintf("%q is not a name", t.Host), "write the name that our certificate bears, like sbc.example.com; for an address see sip.external")
	}
	if t.Profile == "teams" && t.Host == "" {
		f.Mistake(at, "profile teams wants our name", "add host: and the name that is paired with the tenant and in our certificate")
	}
}

func (c *config) validateAccount(f *strict.File, at string, t trunkConfig) {
	switch {
	case t.Register && t.Address == "":
		f.Mistake(at+".register", "there is no address to register at", "add address")
	case t.Register && t.User == "":
		f.Mistake(at+".register", "there is no user to register", "add user and password, as the carrier gave them")
	case t.User == "" && t.Password != "":
		f.Mistake(at+".password", "there is no user that it belongs to", "add user")
	case t.User != "" && t.Password == "" && t.Register:
		f.Mistake(at+".user", "it has no password", "add password: env:NAME, or password: file:PATH")
	}
	if t.Expires != 0 && (t.Expires < 10*time.Second || t.Expires > 24*time.Hour) {
		f.Mistake(at+".expires", fmt.Sprintf("%v is out of range", t.Expires), "write 10s to 24h; 5m is the default")
	}
	c.validateSecret(f, at+".password", t.Password)
	if (t.Challenge.User == "") != (t.Challenge.Password == "") {
		f.Mistake(at+".challenge", "it needs user and password", "write challenge: {user: NAME, password: env:NAME}")
	}
	c.validateSecret(f, at+".challenge.password", t.Challenge.Password)
}

func (c *config) validateSecret(f *strict.File, at string, s secret) {
	if _, err := s.reveal(c.folder); err != nil {
		f.Mistake(at, err.Error(), "write env:NAME for a variable of the environment, file:PATH for the first line of a file")
	}
	if s.literal() {
		c.advise(f, at, "the password is in this file in the clear: env:NAME or file:PATH keeps it out of copies and backups")
	}
}

func (t trunkConfig) validateNumbers(f *strict.File, at string) {
	for _, list := range []struct {
		key   string
		rules []ruleConfig
	}{{"in", t.In}, {"out", t.Out}} {
		for i, r := range list.rules {
			path := fmt.Sprintf("%s.%s[%d]", at, list.key, i)
			if r.Strip < 0 || r.Match != "" && r.Strip > len(r.Match) && r.Prefix == "" {
				f.Mistake(path+".strip", fmt.Sprintf("%d characters cannot go", r.Strip), "count those at the beginning of the number")
			}
			if i > 0 && list.rules[i-1].Match == "" {
				f.Mistake(path, "no number comes to this rule: the one before matches all", "put the rule without match last")
			}
		}
	}
	want := func(key, value string, choices ...string) {
		if value != "" && !slices.Contains(choices, value) {
			f.Mistake(at+"."+key, fmt.Sprintf("%q is not known", value), "choose "+strings.Join(choices, ", "))
		}
	}
	want("identity", t.Identity, "asserted", "preferred", "none")
	want("srtp", t.SRTP, "off", "offer", "require")
	for _, list := range []struct {
		key   string
		names []string
	}{{"keep", t.Keep}, {"pass", t.Pass}} {
		for i, name := range list.names {
			if name == "*" && list.key == "pass" {
				continue
			}
			if name == "" || strings.ContainsAny(name, " :\t,;<>\"") {
				f.Mistake(fmt.Sprintf("%s.%s[%d]", at, list.key, i), fmt.Sprintf("%q is no name of a header", name), "write it like X-Customer")
			}
		}
	}
}

func (c *config) validateTrunkTLS(f *strict.File, at string, t trunkConfig) {
	for _, problem := range t.TLS.problems(c.path) {
		f.Mistake(at+".tls."+problem.key, problem.what, problem.instead)
	}
	secure := t.Transport == "tls" || strings.HasPrefix(t.Address, "sips:") || strings.Contains(t.Address, "transport=tls")
	if t.TLS.Verify != nil && !*t.TLS.Verify {
		c.advise(f, at+".tls.verify", "whoever stands between us can pretend to be this trunk: tls.ca names the authority that it uses")
	}
	if (t.SRTP == "require" || t.SRTP == "offer") && !secure {
		c.advise(f, at+".srtp", "the keys of the audio travel in the clear: transport: tls protects them")
	}
}

// usableTrunks are those that can place a call.
func (c *config) usableTrunks() (names []string) {
	for _, name := range c.trunkNames() {
		if c.Trunks[name].Address != "" {
			names = append(names, name)
		}
	}
	return names
}

// trunksTo are those that lead to a seat, best first; none: it is called directly.
func (c *config) trunksTo(seat string) []string {
	for _, s := range c.Seats {
		switch {
		case s.ID != seat:
		case len(s.Trunks) > 0:
			return s.Trunks
		case strings.HasPrefix(s.Address, "tel:"):
			return c.usableTrunks()
		}
	}
	return nil
}

// validateSeatAddress: a seat is a phone of its own, or a number behind a trunk. Nobody else is ever called.
func (c *config) validateSeatAddress(f *strict.File, at string, s seatConfig) {
	usable := c.usableTrunks()
	if s.Address == browserAddress {
		if !console.IsHash(s.Password) {
			f.Mistake(at, "a seat with a browser has no password, or one that everybody can read here", "put in what this prints: ivr password")
		}
		return
	}
	switch isTel := strings.HasPrefix(s.Address, "tel:"); {
	case isTel && strings.Trim(s.Address[len("tel:"):], "+0123456789-.() #*") != "" || s.Address == "tel:":
		f.Mistake(at+".address", fmt.Sprintf("%q is not a number", s.Address), `write it like "tel:+4930123456"`)
	case isTel && len(usable) == 0:
		f.Mistake(at+".address", "there is no trunk to call a number by", "add one under trunks, with an address")
	case !isTel && (!strings.HasPrefix(s.Address, "sip:") && !strings.HasPrefix(s.Address, "sips:") || sip.CheckTarget(s.Address) != nil):
		f.Mistake(at+".address", fmt.Sprintf("%q is not a SIP address", s.Address), "write it like sip:ann@127.0.0.1:5071, tel:+4930123456 for a number behind a trunk, or browser")
	}
	for i, name := range s.Trunks {
		if !slices.Contains(usable, name) {
			f.Mistake(fmt.Sprintf("%s.trunk[%d]", at, i), fmt.Sprintf("there is no trunk %q that calls can be placed on", name),
				"those that have an address: "+or(strings.Join(usable, ", "), "none"))
		}
	}
}

// advise notes what is allowed and not wise.
func (c *config) advise(f *strict.File, at, what string) {
	c.advice = append(c.advice, fmt.Sprintf("%s:%d: %s: %s", f.Name(), f.Line(at), at, what))
}
