package sip

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func (a *authority) certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestCallsOverTLSGoOnlyToWhoBearsTheNameWeLookedUp(t *testing.T) {
	us, strange := newAuthority(t), newAuthority(t)
	for name, test := range map[string]struct {
		bears  string
		signed *authority
		mutual bool // the server asks for our certificate
		ours   bool // and we have one
		want   string
	}{
		"right":                       {"sbc.example", us, false, false, ""},
		"another name":                {"other.example", us, false, false, "certificate is valid for other.example, not sbc.example"},
		"unknown authority":           {"sbc.example", strange, false, false, "certificate signed by unknown authority"},
		"mutual":                      {"sbc.example", us, true, true, ""},
		"mutual, without certificate": {"sbc.example", us, true, false, "sip"},
	} {
		t.Run(name, func(t *testing.T) {
			server := &tls.Config{Certificates: []tls.Certificate{test.signed.certificate(t, test.bears)}}
			if test.mutual {
				server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, us.pool()
			}
			b := newUA(t, Config{Listen: []Listen{{"tls", "127.0.0.1:0"}}, TLS: server})
			ended := make(chan error, 1)
			serve(t, b, func(ctx context.Context, l *Leg) {
				if l.Answer(ctx) == nil {
					untilEnd(ctx, l)
				}
				ended <- l.Err()
			})
			client := &tls.Config{RootCAs: us.pool()}
			if test.ours {
				client.Certificates = []tls.Certificate{us.certificate(t, "ivr.example")}
			}
			a := newUA(t, Config{Resolver: names{"sbc.example": {"127.0.0.1"}}, Trunks: []Trunk{{Name: "sbc", KeepAlive: -1,
				Address: strings.Replace("sips:sbc.example:PORT", "PORT", portOf(b.Addrs()[0].Addr), 1), TLS: client}}})
			leg, err := a.Dial(t.Context(), DialRequest{To: "tel:4000"})
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("want %q, got %v", test.want, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := leg.Hangup(t.Context(), ""); err != nil {
				t.Error(err)
			}
			if err := <-ended; err != ErrHangup {
				t.Error(err)
			}
		})
	}
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// The far end ends a call over the connection that brought it: behind a NAT there is no other way.
func TestACallOverAConnectionIsEndedOverIt(t *testing.T) {
	a, b := newUA(t, Config{Listen: []Listen{{"udp", "127.0.0.1:0"}}}), newUA(t, Config{}) // a listens on no TCP port
	serve(t, b, func(ctx context.Context, l *Leg) {
		if l.Answer(ctx) == nil {
			l.Hangup(ctx, "")
		}
	})
	leg, err := a.Dial(t.Context(), DialRequest{To: "sip:4000@" + b.Addrs()[1].Addr + ";transport=tcp"})
	if errors.Is(err, ErrHangup) { // the BYE came on the heels of the answer
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	mustEnd(t, leg, ErrHangup)
}
