package media

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/srtp/v3"
)

// handshakeLimit is how long two sides may take to agree on keys.
const handshakeLimit = 30 * time.Second

// Identity is our certificate for DTLS-SRTP (RFC 5763). Nobody signed it: SDP tells its fingerprint.
type Identity struct {
	cert        tls.Certificate
	fingerprint string
}

// NewIdentity makes one.
func NewIdentity() (*Identity, error) {
	cert, err := selfsign.GenerateSelfSigned()
	if err != nil {
		return nil, fmt.Errorf("media: no certificate for DTLS: %w", err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("media: no certificate for DTLS: %w", err)
	}
	sum, err := fingerprint.Fingerprint(leaf, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("media: no fingerprint for DTLS: %w", err)
	}
	return &Identity{cert: cert, fingerprint: "sha-256 " + strings.ToUpper(sum)}, nil
}

// Fingerprint is the value of the fingerprint attribute of SDP (RFC 8122, 5).
func (i *Identity) Fingerprint() string { return i.fingerprint }

// Handshake is the protection of a stream whose keys are agreed on by DTLS, on the way that the audio takes (RFC 5764). Until it has
// ended nothing is sent and nothing is believed.
type Handshake struct {
	Ours   *Identity
	Theirs string // value of the fingerprint attribute of the far end
	Active bool   // we begin
}

// CheckFingerprint says what is wrong with the value of a fingerprint attribute; nil: nothing.
func CheckFingerprint(value string) error {
	name, _, _ := strings.Cut(value, " ")
	if _, err := hashOf(name); err != nil {
		return fmt.Errorf("%w: fingerprint by %q", ErrCrypto, name)
	}
	return nil
}

// hashOf a name of SDP; those that are broken are none (RFC 8122, 5).
func hashOf(name string) (crypto.Hash, error) {
	h, err := fingerprint.HashFromString(strings.ToLower(name))
	if err == nil && (h == crypto.MD5 || h == crypto.SHA1) {
		err = errors.New("broken")
	}
	return h, err
}

// verify compares what the far end presents with what SDP said.
func (h *Handshake) verify(raw [][]byte, _ [][]*x509.Certificate) error {
	name, want, _ := strings.Cut(h.Theirs, " ")
	hash, err := hashOf(name)
	if err != nil || len(raw) == 0 {
		return ErrCrypto
	}
	cert, err := x509.ParseCertificate(raw[0])
	if err != nil {
		return err
	}
	got, err := fingerprint.Fingerprint(cert, hash)
	if err == nil && !strings.EqualFold(got, strings.TrimSpace(want)) {
		err = fmt.Errorf("%w: the certificate is not the one of SDP", ErrCrypto)
	}
	return err
}

// shaker is a handshake at work: the connection under it is the stream's socket.
type shaker struct {
	of     Handshake
	stream *Stream
	in     chan []byte
	gone   chan struct{} // closed when another takes its place

	mu      sync.Mutex
	from    netip.AddrPort // of the last packet; invalid: none came
	expired chan struct{}  // closed when the deadline has passed
	timer   *time.Timer
}

// shake has a stream agree on keys. A handshake with the same far end goes on. The caller holds the lock.
func (s *Stream) shake(h *Handshake) {
	if s.shaker != nil {
		if h != nil && s.shaker.of.Ours == h.Ours && s.shaker.of.Theirs == h.Theirs {
			return
		}
		close(s.shaker.gone)
		s.shaker, s.secured = nil, nil
	}
	if h == nil {
		return
	}
	s.secured = nil
	s.shaker = &shaker{of: *h, stream: s, in: make(chan []byte, 32), gone: make(chan struct{}), expired: make(chan struct{})}
	s.shaking.Go(s.shaker.run)
}

// unsafe says that keys are awaited. The caller holds the lock.
func (s *Stream) unsafe() bool { return s.shaker != nil && s.secured == nil }

// isHandshake tells DTLS from the rest by its first octet (RFC 7983, 7).
func isHandshake(raw []byte) bool { return len(raw) > 0 && raw[0] >= 20 && raw[0] <= 63 }

// hand gives the handshake a packet; what nobody reads in time comes again. The caller holds the stream's lock.
func (k *shaker) hand(raw []byte, from netip.AddrPort) {
	k.mu.Lock()
	if k.stream.unsafe() { // once there are keys nobody moves the other end with a packet without them
		k.from = from
	}
	k.mu.Unlock()
	select {
	case k.in <- slices.Clone(raw):
	default:
	}
}

// run does the handshake, gives the stream its keys, and stays to repeat the last flight to a far end that lost it.
func (k *shaker) run() {
	ctx, stop := context.WithTimeout(context.Background(), handshakeLimit)
	defer stop()
	conn, err := k.connect()
	if err != nil {
		return
	}
	defer conn.Close()
	if conn.HandshakeContext(ctx) != nil {
		return // nothing flows; who waits for packets ends the call
	}
	keys, err := k.keys(conn)
	if err != nil {
		return
	}
	s := k.stream
	s.mu.Lock()
	if s.shaker == k {
		s.secured, _ = secure(keys, nil)
	}
	s.mu.Unlock()
	buf := make([]byte, packetMost)
	for err == nil {
		_, err = conn.Read(buf)
	}
}

func (k *shaker) connect() (*dtls.Conn, error) {
	var profiles []dtls.SRTPProtectionProfile
	for _, s := range suites {
		if s.key == 16 || s.salt == 12 { // AES-256 in counter mode has no number in DTLS (RFC 5764, 4.1.2)
			profiles = append(profiles, dtls.SRTPProtectionProfile(s.profile))
		}
	}
	if k.of.Active {
		return dtls.ClientWithOptions(k, k.LocalAddr(), dtls.WithCertificates(k.of.Ours.cert), dtls.WithSRTPProtectionProfiles(profiles...),
			dtls.WithInsecureSkipVerify(true), dtls.WithVerifyPeerCertificate(k.of.verify))
	}
	return dtls.ServerWithOptions(k, k.LocalAddr(), dtls.WithCertificates(k.of.Ours.cert), dtls.WithSRTPProtectionProfiles(profiles...),
		dtls.WithInsecureSkipVerify(true), dtls.WithVerifyPeerCertificate(k.of.verify), dtls.WithClientAuth(dtls.RequireAnyClientCert))
}

// keys takes what a finished handshake has agreed on (RFC 5764, 4.2).
func (k *shaker) keys(conn *dtls.Conn) (*Secure, error) {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	state, known := conn.ConnectionState()
	if !ok || !known {
		return nil, fmt.Errorf("%w: no profile of SRTP in common", ErrCrypto)
	}
	c := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := c.ExtractSessionKeysFromDTLS(&state, k.of.Active); err != nil {
		return nil, err
	}
	for _, s := range suites {
		if s.profile == c.Profile {
			return &Secure{
				Ours:   Crypto{Suite: s.name, key: slices.Concat(c.Keys.LocalMasterKey, c.Keys.LocalMasterSalt)},
				Theirs: Crypto{Suite: s.name, key: slices.Concat(c.Keys.RemoteMasterKey, c.Keys.RemoteMasterSalt)},
			}, nil
		}
	}
	return nil, fmt.Errorf("%w: profile %v", ErrCrypto, profile)
}

// ReadFrom is of net.PacketConn, as all that follows.
func (k *shaker) ReadFrom(b []byte) (int, net.Addr, error) {
	k.mu.Lock()
	expired := k.expired
	k.mu.Unlock()
	select {
	case raw := <-k.in:
		return copy(b, raw), k.LocalAddr(), nil
	case <-expired:
		return 0, nil, os.ErrDeadlineExceeded
	case <-k.gone:
	case <-k.stream.gone:
	}
	return 0, nil, net.ErrClosed
}

// WriteTo sends to where the far end's packets come from, or until there are some to where it said.
func (k *shaker) WriteTo(b []byte, _ net.Addr) (int, error) {
	k.mu.Lock()
	to := k.from
	k.mu.Unlock()
	if !to.IsValid() {
		to = k.stream.Params().Remote
	}
	return k.stream.conn.WriteToUDPAddrPort(b, to)
}

// Close leaves the socket to its stream.
func (k *shaker) Close() error { return nil }

// LocalAddr stands for both ends: there are only two.
func (k *shaker) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4zero, Port: k.stream.port} }

func (k *shaker) SetDeadline(t time.Time) error { return k.SetReadDeadline(t) }

func (k *shaker) SetWriteDeadline(time.Time) error { return nil }

func (k *shaker) SetReadDeadline(t time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.timer != nil {
		k.timer.Stop()
	}
	select {
	case <-k.expired:
		k.expired = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return nil
	}
	expired := k.expired
	k.timer = time.AfterFunc(time.Until(t), func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		select {
		case <-expired:
		default:
			close(expired)
		}
	})
	return nil
}
