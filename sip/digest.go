package sip

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

// authorize answers the challenge of a 401 or 407 (RFC 3261, 22; RFC 8760) in a request that is to be sent again. The topmost
// challenge that we can answer is the one the server likes best. Who has answered already and is asked again has the wrong password,
// unless the server says that its nonce was stale: to insist gets one banned.
func authorize(req *sip.Request, res *sip.Response, c Credentials) error {
	ask, answer := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		ask, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	if c.User == "" {
		return errors.New("sip: it asks for credentials and there are none")
	}
	answered := req.GetHeader(answer) != nil
	refused := "no challenge came along"
	for _, h := range res.GetHeaders(ask) {
		challenge, err := digest.ParseChallenge(h.Value())
		if err != nil {
			refused = err.Error()
			continue
		}
		if answered && !challenge.Stale {
			refused = "it does not take user " + c.User + " and the password"
			continue
		}
		challenge.Algorithm = strings.ToUpper(challenge.Algorithm) // RFC 3261 writes MD5, some phones md5
		if !digest.CanDigest(challenge) {
			refused = "algorithm " + challenge.Algorithm
			continue
		}
		credentials, err := digest.Digest(challenge, digest.Options{
			Method: string(req.Method), URI: req.Recipient.String(), Count: 1, Username: c.User, Password: c.Password,
			GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.Body())), nil }, // for qop=auth-int
		})
		if err != nil {
			refused = err.Error()
			continue
		}
		req.RemoveHeader(answer)
		req.AppendHeader(sip.NewHeader(answer, credentials.String()))
		return nil
	}
	return fmt.Errorf("sip: its challenge cannot be answered: %s", refused)
}

// afresh makes a request one of a new transaction, after a challenge.
func afresh(req *sip.Request) {
	req.CSeq().SeqNo++
	req.Via().Params.Add("branch", sip.GenerateBranchN(16))
}

// Life of a nonce, and how many are remembered to tell a replayed answer.
const (
	nonceLife  = 5 * time.Minute
	nonceCount = 10000
)

// challenger asks callers for credentials and judges what they present.
type challenger struct {
	realm string

	mu   sync.Mutex
	key  [32]byte       // that nonces are signed with: they need no memory before they are answered
	used map[string]int // highest nc seen of a nonce
}

func newChallenger(realm string) *challenger {
	c := &challenger{realm: realm, used: map[string]int{}}
	_, _ = rand.Read(c.key[:]) // never fails
	return c
}

// headers are the challenges of a 401: SHA-256 for who can, MD5 for who cannot (RFC 8760, 2.4).
func (c *challenger) headers(now time.Time, stale bool) []sip.Header {
	nonce := c.nonce(now)
	var all []sip.Header
	for _, algorithm := range []string{"SHA-256", "MD5"} {
		value := fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=%s, qop="auth"`, c.realm, nonce, algorithm)
		if stale {
			value += ", stale=true"
		}
		all = append(all, sip.NewHeader("WWW-Authenticate", value))
	}
	return all
}

func (c *challenger) nonce(now time.Time) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))
	raw = append(raw, make([]byte, 8)...)
	_, _ = rand.Read(raw[8:])
	return base64.RawURLEncoding.EncodeToString(append(raw, c.sign(raw)...))
}

func (c *challenger) sign(raw []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := hmac.New(sha256.New, c.key[:])
	m.Write(raw)
	return m.Sum(nil)[:16]
}

// age of a nonce of ours; not ok: it is not ours.
func (c *challenger) age(nonce string, now time.Time) (age time.Duration, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(raw) != 32 || !hmac.Equal(raw[16:], c.sign(raw[:16])) {
		return 0, false
	}
	return now.Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(raw)))), true
}

// verdict on what a caller presented.
type verdict int

const (
	absent verdict = iota // nothing: it has to be asked
	stale                 // right, with an old nonce: it has to be asked again
	wrong
	right
)

// judge looks at the Authorization of a request.
func (c *challenger) judge(req *sip.Request, want Credentials, now time.Time) verdict {
	for _, h := range req.GetHeaders("Authorization") {
		got, err := digest.ParseCredentials(h.Value())
		if err != nil || got.Realm != c.realm {
			continue
		}
		return c.judgeOne(string(req.Method), got, want, now)
	}
	return absent
}

func (c *challenger) judgeOne(method string, got *digest.Credentials, want Credentials, now time.Time) verdict {
	age, ours := c.age(got.Nonce, now)
	if !ours || got.Username != want.User || got.QOP != "auth" || got.Nc <= 0 {
		return wrong
	}
	expected, err := digest.Digest(
		&digest.Challenge{Realm: c.realm, Nonce: got.Nonce, Algorithm: got.Algorithm, QOP: []string{"auth"}},
		digest.Options{Method: method, URI: got.URI, Count: got.Nc, Cnonce: got.Cnonce, Username: want.User, Password: want.Password})
	if err != nil || subtle.ConstantTimeCompare([]byte(expected.Response), []byte(got.Response)) == 0 {
		return wrong
	}
	if age > nonceLife || !c.first(got.Nonce, got.Nc) {
		return stale
	}
	return right
}

// first says whether an answer is new: a replayed one has a count that was there (RFC 7616, 5.12).
func (c *challenger) first(nonce string, nc int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if nc <= c.used[nonce] {
		return false
	}
	if len(c.used) >= nonceCount { // all of them are asked again, which costs a round trip
		clear(c.used)
		_, _ = rand.Read(c.key[:])
	}
	c.used[nonce] = nc
	return true
}

// seconds of a header like Expires or Retry-After, whatever follows the number; 0: none.
func seconds(h sip.Header) time.Duration {
	if h == nil {
		return 0
	}
	number := strings.TrimSpace(h.Value())
	if end := strings.IndexFunc(number, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		number = number[:end]
	}
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}
