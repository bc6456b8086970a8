package webrtc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"

	"ivr/media"
)

// errCertificate says that the far end of DTLS is not who offered the call (RFC 8122, 6.2).
var errCertificate = errors.New("webrtc: the certificate is not the one of the offer")

// suites by the profile that DTLS agrees on (RFC 5764, 4.1.2; RFC 7714, 14.2), best first.
var suites = []struct {
	profile dtls.SRTPProtectionProfile
	name    string
}{
	{dtls.SRTP_AEAD_AES_256_GCM, "AEAD_AES_256_GCM"},
	{dtls.SRTP_AEAD_AES_128_GCM, "AEAD_AES_128_GCM"},
	{dtls.SRTP_AES128_CM_HMAC_SHA1_80, "AES_CM_128_HMAC_SHA1_80"},
}

// identity is the certificate of an endpoint. Nobody vouches for it: its fingerprint goes with the answer.
type identity struct {
	certificate tls.Certificate
	fingerprint string // SHA-256
	log         *slog.Logger
}

func newIdentity(log *slog.Logger) (identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return identity{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "ivr"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return identity{}, err
	}
	print, err := printOf("sha-256", der)
	return identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, print, log}, err
}

// printOf is the fingerprint of a certificate.
func printOf(hash string, der []byte) (string, error) {
	h, err := fingerprint.HashFromString(hash)
	if err != nil {
		return "", err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return "", err
	}
	return fingerprint.Fingerprint(certificate, h)
}

// shake agrees on keys with whoever has the certificate of the offer (RFC 5763, 5).
func (id identity) shake(ctx context.Context, conn net.PacketConn, o *offer) (*dtls.Conn, *media.Secure, error) {
	profiles := make([]dtls.SRTPProtectionProfile, len(suites))
	for i, s := range suites {
		profiles[i] = s.profile
	}
	far := net.UDPAddrFromAddrPort(nominal)
	shared := []dtls.Option{
		dtls.WithCertificates(id.certificate), dtls.WithSRTPProtectionProfiles(profiles...),
		dtls.WithLoggerFactory(quiet{id.log}), dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithInsecureSkipVerify(true), // no authority knows browsers' certificates: the fingerprint is checked below
	}
	var c *dtls.Conn
	var err error
	if o.passive {
		var options []dtls.ClientOption
		for _, s := range shared {
			options = append(options, s)
		}
		c, err = dtls.ClientWithOptions(conn, far, options...)
	} else {
		options := []dtls.ServerOption{dtls.WithClientAuth(dtls.RequireAnyClientCert)}
		for _, s := range shared {
			options = append(options, s)
		}
		c, err = dtls.ServerWithOptions(conn, far, options...)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	keys, err := keysOf(c, o)
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, keys, nil
}

// keysOf checks who the far end is, and takes the keys (RFC 5764, 4.2).
func keysOf(c *dtls.Conn, o *offer) (*media.Secure, error) {
	state, ok := c.ConnectionState()
	profile, agreed := c.SelectedSRTPProtectionProfile()
	if !ok || !agreed || len(state.PeerCertificates) == 0 {
		return nil, errors.New("webrtc: DTLS agreed on no protection of audio")
	}
	print, err := printOf(o.hash, state.PeerCertificates[0])
	if err != nil || !strings.EqualFold(print, o.print) {
		return nil, errors.Join(errCertificate, err)
	}
	for _, s := range suites {
		if s.profile != profile {
			continue
		}
		key, salt := media.CryptoSizes(s.name)
		material, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(key+salt))
		if err != nil {
			return nil, err
		}
		pick := func(side int) (media.Crypto, error) { // 0: who called in DTLS, 1: who was called
			k, salts := material[side*key:], material[2*key+side*salt:]
			return media.CryptoOf(s.name, append(k[:key:key], salts[:salt]...))
		}
		client, err1 := pick(0)
		server, err2 := pick(1)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if o.passive {
			return &media.Secure{Ours: client, Theirs: server}, nil
		}
		return &media.Secure{Ours: server, Theirs: client}, nil
	}
	return nil, fmt.Errorf("webrtc: DTLS agreed on profile %#x, which was not offered", uint16(profile))
}
