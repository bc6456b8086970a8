package media

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// ErrCrypto says that a crypto attribute is none, or asks for what we do not do.
var ErrCrypto = errors.New("media: crypto attribute")

// suite is a way to protect RTP, as SDP names it.
type suite struct {
	name      string
	profile   srtp.ProtectionProfile
	key, salt int // octets
}

// suites we speak, best first (RFC 7714, RFC 6188, RFC 4568); never changed.
var suites = []suite{
	{"AEAD_AES_256_GCM", srtp.ProtectionProfileAeadAes256Gcm, 32, 12},
	{"AEAD_AES_128_GCM", srtp.ProtectionProfileAeadAes128Gcm, 16, 12},
	{"AES_256_CM_HMAC_SHA1_80", srtp.ProtectionProfileAes256CmHmacSha1_80, 32, 14},
	{"AES_CM_128_HMAC_SHA1_80", srtp.ProtectionProfileAes128CmHmacSha1_80, 16, 14},
	{"AES_CM_128_HMAC_SHA1_32", srtp.ProtectionProfileAes128CmHmacSha1_32, 16, 14},
}

// CryptoSuites lists the names of the suites we speak, best first.
func CryptoSuites() (names []string) {
	for _, s := range suites {
		names = append(names, s.name)
	}
	return names
}

// Crypto is one crypto attribute of SDP (RFC 4568): how a side protects what it sends, and with which key. It holds a secret: it is
// not to be logged, and says nothing of it when it is.
type Crypto struct {
	Tag   string // which of several it is; the answer repeats that of the offer
	Suite string
	key   []byte // master key and salt
}

// NewCrypto makes a key for a suite.
func NewCrypto(tag, name string) (Crypto, error) {
	s, ok := suiteOf(name)
	if !ok {
		return Crypto{}, fmt.Errorf("%w: no suite %q here, there are %v", ErrCrypto, name, CryptoSuites())
	}
	key := make([]byte, s.key+s.salt)
	_, _ = rand.Read(key) // never fails
	return Crypto{Tag: tag, Suite: name, key: key}, nil
}

// CryptoOf is a key that was agreed on by other means, as DTLS does (RFC 5764, 4.2): master key and salt, one after the other.
func CryptoOf(name string, keyAndSalt []byte) (Crypto, error) {
	s, ok := suiteOf(name)
	if !ok || len(keyAndSalt) != s.key+s.salt {
		return Crypto{}, fmt.Errorf("%w: no suite %q with %d octets of key and salt here, there are %v", ErrCrypto, name, len(keyAndSalt), CryptoSuites())
	}
	return Crypto{Suite: name, key: bytes.Clone(keyAndSalt)}, nil
}

// CryptoSizes are the octets of key and salt of a suite, 0 when we do not speak it.
func CryptoSizes(name string) (key, salt int) {
	s, _ := suiteOf(name)
	return s.key, s.salt
}

// ParseCrypto reads the value of a crypto attribute. An attribute that asks for what we do not do (a master key identifier, several
// keys, unencrypted packets) is an error: the next one may do.
func ParseCrypto(value string) (Crypto, error) {
	parts := strings.Fields(value)
	if len(parts) < 3 {
		return Crypto{}, fmt.Errorf("%w: not a tag, a suite and a key", ErrCrypto)
	}
	if n, err := strconv.ParseUint(parts[0], 10, 32); err != nil || n > 999999999 {
		return Crypto{}, fmt.Errorf("%w: tag %q is not a number", ErrCrypto, parts[0])
	}
	s, ok := suiteOf(parts[1])
	if !ok {
		return Crypto{}, fmt.Errorf("%w: no suite %q here, there are %v", ErrCrypto, parts[1], CryptoSuites())
	}
	for _, p := range parts[3:] { // RFC 4568, 6.3: what is not known and not marked with "-" must be refused
		if !strings.HasPrefix(p, "WSH=") && !strings.HasPrefix(p, "-") {
			return Crypto{}, fmt.Errorf("%w: parameter %q", ErrCrypto, p)
		}
	}
	encoded, ok := strings.CutPrefix(parts[2], "inline:")
	if !ok || strings.Contains(encoded, ";") {
		return Crypto{}, fmt.Errorf("%w: not one inline key", ErrCrypto)
	}
	encoded, rest, _ := strings.Cut(encoded, "|")
	if strings.Contains(rest, ":") {
		return Crypto{}, fmt.Errorf("%w: master key identifier", ErrCrypto)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		key, err = base64.RawStdEncoding.DecodeString(encoded) // some leave the padding out
	}
	if err != nil || len(key) != s.key+s.salt {
		return Crypto{}, fmt.Errorf("%w: the key of %s has %d octets", ErrCrypto, s.name, s.key+s.salt)
	}
	return Crypto{Tag: parts[0], Suite: s.name, key: key}, nil
}

func suiteOf(name string) (suite, bool) {
	for _, s := range suites {
		if s.name == name {
			return s, true
		}
	}
	return suite{}, false
}

// Attribute is the value of the crypto attribute, with the key.
func (c Crypto) Attribute() string {
	return c.Tag + " " + c.Suite + " inline:" + base64.StdEncoding.EncodeToString(c.key)
}

// String tells no secret.
func (c Crypto) String() string { return c.Suite }

// GoString tells none either.
func (c Crypto) GoString() string { return c.String() }

// context is one direction of a protected stream.
func (c Crypto) context(options ...srtp.ContextOption) (*srtp.Context, error) {
	s, ok := suiteOf(c.Suite)
	if !ok || len(c.key) != s.key+s.salt {
		return nil, fmt.Errorf("%w: no key", ErrCrypto)
	}
	return srtp.CreateContext(c.key[:s.key], c.key[s.key:], s.profile, options...)
}

// Secure is the protection of a stream: the keys of both sides.
type Secure struct {
	Ours, Theirs Crypto
}

// secured protects what a stream sends, and checks what it receives. It is guarded by the mutex of its stream.
type secured struct {
	keys    Secure
	out, in *srtp.Context
	sealed  []byte        // the last packet sent
	opened  []byte        // the last packet received
	headers [2]rtp.Header // of the two
}

// secure makes ready for keys; those that are in use already go on.
func secure(keys *Secure, now *secured) (*secured, error) {
	if keys == nil {
		return nil, nil
	}
	if now != nil && bytes.Equal(now.keys.Ours.key, keys.Ours.key) && bytes.Equal(now.keys.Theirs.key, keys.Theirs.key) {
		return now, nil
	}
	out, err := keys.Ours.context()
	if err != nil {
		return nil, err
	}
	const window = 128 // packets in which a copy of an old one is recognised
	in, err := keys.Theirs.context(srtp.SRTPReplayProtection(window), srtp.SRTCPReplayProtection(window))
	if err != nil {
		return nil, err
	}
	return &secured{keys: *keys, out: out, in: in}, nil
}
