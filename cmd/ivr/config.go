package main

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"ivr/internal/strict"
	"ivr/transfer"
	"ivr/webrtc"
)

// config is the configuration file. Zero values mean the defaults that the comments name.
type config struct {
	SIP        sipConfig              `yaml:"sip"`
	Trunks     map[string]trunkConfig `yaml:"trunks"`
	RTP        rtpConfig              `yaml:"rtp"`
	Web        webConfig              `yaml:"web"`
	Speech     speechConfig           `yaml:"speech"`
	Data       string                 `yaml:"data"`       // folder for records and recordings [var, beside the file]
	Recording  *bool                  `yaml:"recording"`  // keep a stereo recording of each call [true]
	HoldMusic  string                 `yaml:"hold_music"` // WAV [own music]
	Bots       map[string]string      `yaml:"bots"`       // called number or "*" to bot file
	Queues     map[string]queueConfig `yaml:"queues"`
	Seats      []seatConfig           `yaml:"seats"`
	Rescue     string                 `yaml:"rescue"` // queue for callers whom a failure of ours would leave alone [the first]
	Limits     limitsConfig           `yaml:"limits"`
	DrainAfter time.Duration          `yaml:"drain"` // how long calls may go on after SIGTERM [60s]

	folder string   // of the file: relative paths start there
	advice []string // what is allowed and not wise
}

type sipConfig struct {
	Listen     []string      `yaml:"listen"`   // "udp://127.0.0.1:5060", tcp, tls, ws, wss [UDP and TCP there]
	External   string        `yaml:"external"` // address for Contact and SDP behind NAT
	Allow      []string      `yaml:"allow"`    // sources served, "192.0.2.0/24" [loopback]
	MaxCalls   int           `yaml:"max_calls"`
	RetryAfter time.Duration `yaml:"retry_after"` // sent with 503 [10s]
	From       string        `yaml:"from"`        // as whom seats are called when the caller's number is withheld [ivr]

	TLS   serverTLSConfig `yaml:"tls"`   // of the tls:// and wss:// sockets
	Guard guardConfig     `yaml:"guard"` // when a source is served no more
}

type rtpConfig struct {
	Bind  string `yaml:"bind"`  // [all]
	Ports string `yaml:"ports"` // "20000-29999"
}

type webConfig struct {
	Listen string         `yaml:"listen"` // [127.0.0.1:8080]
	Call   callPageConfig `yaml:"call"`
}

// callPageConfig is the page from which visitors of a web site call. docs/web.md tells what it is good for.
type callPageConfig struct {
	Number   string          `yaml:"number"` // that it calls; without it there is no page
	Open     bool            `yaml:"open"`   // everybody who can reach the page may call [only browsers on this machine]
	Key      string          `yaml:"key"`    // with which a web site's server gets tokens for its visitors
	Sites    []string        `yaml:"sites"`  // that may show the page in a frame
	UDP      string          `yaml:"udp"`    // that all its calls share [127.0.0.1:0, any port]
	External string          `yaml:"external"`
	Servers  []webrtc.Server `yaml:"servers"`   // STUN and TURN
	MaxCalls int             `yaml:"max_calls"` // [50]
}

type speechConfig struct {
	Models     string `yaml:"models"`     // folder [the user's cache]
	Recogniser string `yaml:"recogniser"` // moonshine-tiny or moonshine-base [base]
	Hurried    *bool  `yaml:"hurried"`    // rather than refuse, the smaller recogniser takes over [true]
	Voice      string `yaml:"voice"`      // alan or jenny [alan]
	Workers    int    `yaml:"workers"`    // utterances recognised at once [as many as cores]
}

type queueConfig struct {
	Wait     time.Duration `yaml:"wait"`     // before the caller is offered something else [2m]
	Priority int           `yaml:"priority"` // added to that of its callers; higher goes first
}

type seatConfig struct {
	ID       string   `yaml:"id"`
	Name     string   `yaml:"name"`
	Address  string   `yaml:"address"`  // sip:ann@127.0.0.1:5071, tel:+4930123456 behind a trunk, or browser
	Trunks   []string `yaml:"trunk"`    // that lead there, best first [of a tel: number all, of a sip: address none]
	Password string   `yaml:"password"` // of a seat with a browser, as ivr password prints it
	Queues   []string `yaml:"queues"`
	Tier     int      `yaml:"tier"` // a later tier is asked only while nobody of an earlier one is free [1]
}

type limitsConfig struct {
	Bot      time.Duration `yaml:"bot"`
	Call     time.Duration `yaml:"call"`
	NoPacket time.Duration `yaml:"no_packet"`
	Ring     time.Duration `yaml:"ring"`
	Accept   time.Duration `yaml:"accept"`
	WrapUp   time.Duration `yaml:"wrap_up"`
}

// readConfig decodes a configuration file; what is wrong with it is noted in file.
func readConfig(path string, file *strict.File) *config {
	cfg := &config{folder: filepath.Dir(path)}
	file.Decode(cfg)
	cfg.fillIn()
	cfg.validate(file)
	return cfg
}

// fillIn puts the defaults where the file is silent.
func (c *config) fillIn() {
	setDefault(&c.Data, "var")
	c.Data = c.path(c.Data)
	c.fillInTrunks()
	if len(c.SIP.Listen) == 0 {
		c.SIP.Listen = []string{"udp://127.0.0.1:5060", "tcp://127.0.0.1:5060"}
	}
	if len(c.SIP.Allow) == 0 {
		c.SIP.Allow = []string{"127.0.0.0/8", "::1/128"}
	}
	setDefault(&c.SIP.MaxCalls, 200)
	setDefault(&c.SIP.RetryAfter, 10*time.Second)
	setDefault(&c.SIP.From, "ivr")
	setDefault(&c.RTP.Ports, "20000-29999")
	setDefault(&c.Web.Listen, "127.0.0.1:8080")
	setDefault(&c.Web.Call.UDP, "127.0.0.1:0")
	setDefault(&c.Web.Call.MaxCalls, 50)
	setDefault(&c.Speech.Recogniser, "moonshine-base")
	setDefault(&c.Speech.Voice, "alan")
	if c.Speech.Hurried == nil {
		c.Speech.Hurried = new(bool)
		*c.Speech.Hurried = true
	}
	setDefault(&c.DrainAfter, time.Minute)
	if c.Rescue == "" && len(c.Queues) > 0 {
		c.Rescue = c.queueNames()[0]
	}
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// path makes a path of the file absolute to the file's folder.
func (c *config) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.folder, p)
}

func (c *config) queueNames() []string {
	return slices.Sorted(maps.Keys(c.Queues))
}

func (c *config) validate(f *strict.File) {
	for i, l := range c.SIP.Listen {
		if _, _, err := splitListen(l); err != nil {
			f.Mistake(fmt.Sprintf("sip.listen[%d]", i), err.Error(), `write it like "udp://127.0.0.1:5060"`)
		} else if (strings.HasPrefix(l, "tls://") || strings.HasPrefix(l, "wss://")) && c.SIP.TLS.Cert == "" {
			f.Mistake(fmt.Sprintf("sip.listen[%d]", i), "there is no certificate for it", "add sip.tls: {cert: FILE, key: FILE}")
		}
	}
	for i, a := range c.SIP.Allow {
		if _, err := parsePrefix(a); err != nil {
			f.Mistake(fmt.Sprintf("sip.allow[%d]", i), fmt.Sprintf("%q is not an address or a network", a),
				`write it like "192.0.2.10" or "192.0.2.0/24"`)
		}
	}
	c.wantAddr(f, "sip.external", c.SIP.External)
	c.wantAddr(f, "rtp.bind", c.RTP.Bind)
	for _, p := range c.SIP.TLS.problems(c.path) {
		f.Mistake("sip.tls."+p.key, p.what, p.instead)
	}
	c.validateTrunks(f)
	if c.SIP.MaxCalls < 0 {
		f.Mistake("sip.max_calls", "must not be negative", "leave it out for the default, 200")
	}
	if _, _, err := splitPorts(c.RTP.Ports); err != nil {
		f.Mistake("rtp.ports", err.Error(), `write it like "20000-29999"`)
	}
	if _, _, err := net.SplitHostPort(c.Web.Listen); err != nil {
		f.Mistake("web.listen", fmt.Sprintf("%q is not an address with a port", c.Web.Listen), `write it like "127.0.0.1:8080"`)
	}
	c.wantOneOf(f, "speech.recogniser", c.Speech.Recogniser, "moonshine-tiny", "moonshine-base")
	c.wantOneOf(f, "speech.voice", c.Speech.Voice, "alan", "jenny")
	if len(c.Bots) == 0 {
		f.Mistake("bots", "no bot answers any number", "add one, for example\n    bots:\n      \"4000\": bot.yaml")
	}
	c.validateCallPage(f)
	c.validateSeats(f)
}

func (c *config) validateSeats(f *strict.File) {
	if c.Rescue != "" {
		if _, ok := c.Queues[c.Rescue]; !ok && len(c.Queues) > 0 {
			f.Mistake("rescue", fmt.Sprintf("there is no queue %q", c.Rescue), "the queues are "+strings.Join(c.queueNames(), ", "))
		}
	}
	seen := map[string]bool{}
	for i, s := range c.Seats {
		at := fmt.Sprintf("seats[%d]", i)
		if s.ID == "" {
			f.Mistake(at, "the seat has no id", `add one, for example id: "7"`)
		} else if seen[s.ID] {
			f.Mistake(at+".id", fmt.Sprintf("seat %q is there twice", s.ID), "give each seat an id of its own")
		}
		seen[s.ID] = true
		c.validateSeatAddress(f, at, s)
		if len(s.Queues) == 0 {
			f.Mistake(at, "the seat serves no queue", "add queues: ["+strings.Join(c.queueNames(), ", ")+"]")
		}
		for j, q := range s.Queues {
			if _, ok := c.Queues[q]; !ok {
				f.Mistake(fmt.Sprintf("%s.queues[%d]", at, j), fmt.Sprintf("there is no queue %q", q),
					"the queues are "+strings.Join(c.queueNames(), ", "))
			}
		}
	}
}

// desk is what the transfer package wants to know: queues as tiers of seats.
func (c *config) desk() transfer.Config {
	out := transfer.Config{WrapUp: c.Limits.WrapUp}
	for _, s := range c.Seats {
		out.Seats = append(out.Seats, transfer.Seat{ID: s.ID, Name: s.Name, Address: s.Address})
	}
	for _, name := range c.queueNames() {
		tiers := map[int][]string{}
		for _, s := range c.Seats {
			if slices.Contains(s.Queues, name) {
				tier := max(1, s.Tier)
				tiers[tier] = append(tiers[tier], s.ID)
			}
		}
		q := transfer.Queue{Name: name, Priority: c.Queues[name].Priority}
		for _, tier := range slices.Sorted(maps.Keys(tiers)) {
			q.Tiers = append(q.Tiers, tiers[tier])
		}
		out.Queues = append(out.Queues, q)
	}
	return out
}

// transferLimits of one queue.
func (c *config) transferLimits(queue string) transfer.Limits {
	return transfer.Limits{Wait: c.Queues[queue].Wait, Ring: c.Limits.Ring, Accept: c.Limits.Accept}
}

func (c *config) wantAddr(f *strict.File, path, value string) {
	if value == "" {
		return
	}
	if _, err := netip.ParseAddr(value); err != nil {
		f.Mistake(path, fmt.Sprintf("%q is not an IP address", value), `write it like "192.0.2.10"`)
	}
}

func (c *config) wantOneOf(f *strict.File, path, value string, choices ...string) {
	if !slices.Contains(choices, value) {
		f.Mistake(path, fmt.Sprintf("%q is not known", value), "choose "+strings.Join(choices, " or "))
	}
}

// splitListen reads "udp://127.0.0.1:5060".
func splitListen(s string) (network, addr string, err error) {
	network, addr, ok := strings.Cut(s, "://")
	if !ok || !slices.Contains([]string{"udp", "tcp", "tls", "ws", "wss"}, network) {
		return "", "", fmt.Errorf("%q does not begin with udp://, tcp://, tls://, ws:// or wss://", s)
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return "", "", fmt.Errorf("%q has no host and port", s)
	}
	return network, addr, nil
}

// splitPorts reads "20000-29999".
func splitPorts(s string) (low, high int, err error) {
	a, b, ok := strings.Cut(s, "-")
	low, err1 := strconv.Atoi(strings.TrimSpace(a))
	high, err2 := strconv.Atoi(strings.TrimSpace(b))
	if !ok || err1 != nil || err2 != nil || low < 1024 || high > 65535 || high-low < 2 {
		return 0, 0, fmt.Errorf("%q is not a range of ports between 1024 and 65535", s)
	}
	return low, high, nil
}

// parseAddr reads an IP address; "" is the zero address.
func parseAddr(s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	return netip.ParseAddr(s)
}

// parsePrefix reads a network or a single address.
func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}
