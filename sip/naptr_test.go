package sip

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestAServerIsFoundAsTheDomainWants(t *testing.T) { // RFC 3263, 4
	known := names{
		"NAPTR both.example":      {"SIPS+D2T _sips._tcp.both.example", "SIP+D2U _sip._udp.both.example"},
		"_sips._tcp.both.example": {"a.example:5061", "b.example:6061"},
		"_sip._udp.both.example":  {"a.example:5060"},
		"NAPTR odd.example":       {"SIP+D2S _sip._sctp.odd.example", "E2U+sip nowhere.example"},
		"_sip._tcp.odd.example":   {"b.example:5070"},
		"a.example":               {"192.0.2.1"},
		"b.example":               {"192.0.2.2", "2001:db8::2"},
		"plain.example":           {"192.0.2.3"},
	}
	ua := &UA{cfg: Config{Resolver: known}}
	for address, want := range map[string]string{
		"both.example":               "tls:192.0.2.1:5061 tls:192.0.2.2:6061 tls:[2001:db8::2]:6061 udp:192.0.2.1:5060",
		"both.example;transport=udp": "udp:192.0.2.1:5060",
		"sips:both.example":          "tls:192.0.2.1:5061 tls:192.0.2.2:6061 tls:[2001:db8::2]:6061",
		"odd.example":                "tcp:192.0.2.2:5070 tcp:[2001:db8::2]:5070",
		"plain.example":              "udp:192.0.2.3:5060",
		"both.example:5080":          "",
		"a.example:5080":             "udp:192.0.2.1:5080",
		"192.0.2.9;transport=tls":    "tls:192.0.2.9:5061",
	} {
		uri, err := parseTarget(address)
		if err != nil {
			t.Fatal(err)
		}
		found, err := ua.hops(t.Context(), uri)
		var got []string
		for _, h := range found {
			got = append(got, h.String())
		}
		if strings.Join(got, " ") != want || (err != nil) != (want == "") {
			t.Errorf("%s: %v %v", address, got, err)
		}
	}
}

func TestNAPTRRecordsAreAskedOfTheMachinesServers(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		for _, record := range []string{
			`carrier.example. 60 IN NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.carrier.example.`,
			`carrier.example. 60 IN NAPTR 10 10 "S" "SIPS+D2T" "" _sips._tcp.carrier.example.`,
			`carrier.example. 60 IN NAPTR 10 20 "u" "E2U+sip" "!^.*$!sip:x@y!" .`,
		} {
			rr, err := dns.NewRR(record)
			if err != nil {
				t.Error(err)
			}
			answer.Answer = append(answer.Answer, rr)
		}
		w.WriteMsg(answer)
	})}
	served := make(chan error, 1)
	go func() { served <- server.ActivateAndServe() }()
	host, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	got, err := lookupNAPTR(t.Context(), &dns.ClientConfig{Servers: []string{host}, Port: port}, "carrier.example")
	want := []NAPTR{{20, 10, "SIP+D2U", "_sip._udp.carrier.example."}, {10, 10, "SIPS+D2T", "_sips._tcp.carrier.example."}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v %v", got, err)
	}
	if err := errors.Join(server.Shutdown(), <-served); err != nil {
		t.Error(err)
	}
}
