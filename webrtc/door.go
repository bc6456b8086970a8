package webrtc

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// tokenGood is how long a token may be used: long enough to allow the microphone.
const tokenGood = 2 * time.Minute

// Door decides who gets a token for a call. By itself only a browser on this machine does.
type Door struct {
	Number string // that may be called
	Open   bool   // everybody who can reach the page may call
	Key    string // a web site's server that sends it as bearer gets tokens for its visitors; "" none does
}

// Admit adds POST PREFIX/token: {"token": ..., "servers": [...]}. A web site that knows its visitor may send {"from": ..., "name": ...}
// with its key.
func (e *Endpoint) Admit(mux *http.ServeMux, prefix string, d Door) {
	guard := http.NewCrossOriginProtection()
	mux.Handle("POST "+prefix+"/token", guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := Token{Purpose: ForCall, Subject: d.Number}
		switch {
		case d.hasKey(r):
			var who struct{ From, Name string }
			err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1024)).Decode(&who)
			if err != nil && r.ContentLength != 0 {
				e.refuse(w, http.StatusBadRequest, refusedSyntax, `the body must be {"from": "...", "name": "..."}, or empty`)
				return
			}
			token.From, token.Name = who.From, who.Name
		case d.Open || isLocal(r):
		default:
			e.refuse(w, http.StatusForbidden, refusedToken, "calls from here need a token from the web site")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		json.NewEncoder(w).Encode(e.Admission(token))
	})))
}

// Admission is what a browser needs to call.
type Admission struct {
	Token   string   `json:"token"`
	Servers []Server `json:"servers"`
}

// Admission mints a token for a browser, and tells it of the servers.
func (e *Endpoint) Admission(k Token) Admission {
	return Admission{e.tokens.Mint(k, time.Now(), tokenGood), append([]Server{}, e.cfg.Servers...)}
}

// hasKey compares without telling how much of it was right.
func (d Door) hasKey(r *http.Request) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(d.Key))
	return ok && d.Key != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// isLocal tells a browser on this machine that asked for this machine by its own name: what a proxy passes on comes from elsewhere,
// and a foreign name that leads here is a trick of somebody's page (DNS rebinding).
func isLocal(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}
