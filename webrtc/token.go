package webrtc

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"
)

// ErrToken says that a token is none of ours, is for something else, is too old or was used.
var ErrToken = errors.New("webrtc: no valid token")

// Purpose is what a token is good for: a closed set.
type Purpose string

// ForCall lets a visitor call a number, and ForSeat a person at a seat take a call.
const (
	ForCall Purpose = "call"
	ForSeat Purpose = "seat"
)

// Token says what its holder may do, once, and as whom.
type Token struct {
	Purpose Purpose   `json:"p"`
	Subject string    `json:"s"`           // the number that may be called, or the seat
	From    string    `json:"f,omitempty"` // number of the caller, if the web site knows it
	Name    string    `json:"n,omitempty"` // and the name
	Expires time.Time `json:"e"`
	Nonce   string    `json:"j"`
}

// Tokens makes and checks tokens. They are signed with a secret of this process (HMAC-SHA-256), so they end with it.
type Tokens struct {
	secret [32]byte

	mu   sync.Mutex
	used map[string]time.Time // nonce, until when it would be valid
}

// NewTokens draws a secret.
func NewTokens() *Tokens {
	t := &Tokens{used: map[string]time.Time{}}
	_, _ = rand.Read(t.secret[:]) // never fails
	return t
}

// Mint signs a token that is good for a while. Expires and Nonce are filled in.
func (t *Tokens) Mint(k Token, now time.Time, good time.Duration) string {
	k.Expires, k.Nonce = now.Add(good).UTC().Truncate(time.Second), rand.Text()
	claims, _ := json.Marshal(k) // strings and a time: cannot fail
	body := base64.RawURLEncoding.EncodeToString(claims)
	return body + "." + base64.RawURLEncoding.EncodeToString(t.sign(body))
}

func (t *Tokens) sign(body string) []byte {
	mac := hmac.New(sha256.New, t.secret[:])
	mac.Write([]byte(body))
	return mac.Sum(nil)
}

// Use takes a token for a purpose. A second time it is refused.
func (t *Tokens) Use(token string, purpose Purpose, now time.Time) (Token, error) {
	body, signature, ok := strings.Cut(token, ".")
	given, err := base64.RawURLEncoding.DecodeString(signature)
	if !ok || err != nil || !hmac.Equal(given, t.sign(body)) {
		return Token{}, ErrToken
	}
	claims, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return Token{}, ErrToken
	}
	var k Token
	if json.Unmarshal(claims, &k) != nil || k.Purpose != purpose || now.After(k.Expires) {
		return Token{}, ErrToken
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for nonce, until := range t.used {
		if now.After(until) {
			delete(t.used, nonce)
		}
	}
	if _, again := t.used[k.Nonce]; again {
		return Token{}, ErrToken
	}
	t.used[k.Nonce] = k.Expires
	return k, nil
}
