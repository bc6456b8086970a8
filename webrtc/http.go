package webrtc

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag"
	bodyMost     = 64 << 10
	retryAfter   = "10"
)

// Register adds the resources of legs of one purpose below prefix, "/call":
//
//	POST   PREFIX/legs             an offer, with a bearer token for that purpose; 201 with the answer, and the leg's own address in Location
//	PATCH  PREFIX/legs/LEG         candidates, or a restart of ICE (RFC 8840)
//	DELETE PREFIX/legs/LEG         hangs up
//	POST   PREFIX/legs/LEG/keys    keys that were pressed: "42#"
//	GET    PREFIX/legs/LEG/events  what is said, as server-sent events
//
// The address of a leg is its key: who has it steers the call.
func (e *Endpoint) Register(mux *http.ServeMux, prefix string, purpose Purpose) {
	mux.HandleFunc("POST "+prefix+"/legs", func(w http.ResponseWriter, r *http.Request) { e.offered(w, r, prefix, purpose) })
	leg := func(pattern string, serve func(http.ResponseWriter, *http.Request, *Leg)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+prefix+"/legs/{leg}"+path, func(w http.ResponseWriter, r *http.Request) {
			l := e.legOf(r.PathValue("leg"))
			if l == nil {
				http.Error(w, "no such call, or it has ended", http.StatusNotFound)
				return
			}
			serve(w, r, l)
		})
	}
	leg("PATCH ", e.patched)
	leg("DELETE ", func(_ http.ResponseWriter, _ *http.Request, l *Leg) { l.end(ErrHangup) })
	leg("POST /keys", e.pressed)
	leg("GET /events", func(w http.ResponseWriter, r *http.Request, l *Leg) { l.screen.serve(w, r) })
}

// refuse answers with a status and what would be right.
func (e *Endpoint) refuse(w http.ResponseWriter, code int, reason, text string) {
	e.metrics.refuse(reason)
	http.Error(w, text, code)
}

// offered takes a call (RFC 9725, 4.2).
func (e *Endpoint) offered(w http.ResponseWriter, r *http.Request, prefix string, purpose Purpose) {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		e.refuse(w, http.StatusUnauthorized, refusedToken, "a bearer token is needed")
		return
	}
	body, ok := e.body(w, r, typeSDP)
	if !ok {
		return
	}
	o, err := parseOffer(body)
	switch {
	case errors.Is(err, errNoAudio):
		e.refuse(w, http.StatusUnprocessableEntity, refusedMedia, err.Error())
		return
	case err != nil:
		e.refuse(w, http.StatusBadRequest, refusedSyntax, err.Error())
		return
	}
	if err := e.enter(); err != nil {
		w.Header().Set("Retry-After", retryAfter)
		e.refuse(w, http.StatusServiceUnavailable, refusedFull, "all lines are busy")
		return
	}
	k, err := e.tokens.Use(given, purpose, time.Now()) // last: a call that found no room may be tried again with it
	if err != nil {
		e.leave()
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		e.refuse(w, http.StatusUnauthorized, refusedToken, "the token is not valid: it is too old, was used, or is for something else")
		return
	}
	l, answer, err := e.take(r.Context(), o, k)
	if err != nil {
		e.leave()
		e.cfg.Log.Error("a browser's call could not be taken", "err", err)
		e.refuse(w, http.StatusInternalServerError, refusedFailed, "the call could not be taken")
		return
	}
	h := w.Header()
	h.Set("Content-Type", typeSDP)
	h.Set("Location", prefix+"/legs/"+l.secret)
	h.Set("ETag", l.tag())
	h.Set("Accept-Patch", typeFragment)
	h.Set("Cache-Control", "no-store")
	for _, s := range e.cfg.Servers {
		h.Add("Link", s.link())
	}
	w.WriteHeader(http.StatusCreated)
	w.Write(answer)
}

// link tells a browser of a server (RFC 9725, 4.6).
func (s Server) link() string {
	link := fmt.Sprintf(`<%s>; rel="ice-server"`, s.URL)
	if s.Username != "" {
		link += fmt.Sprintf(`; username=%q; credential=%q; credential-type="password"`, s.Username, s.Password)
	}
	return link
}

func (e *Endpoint) body(w http.ResponseWriter, r *http.Request, want string) ([]byte, bool) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != want {
		e.refuse(w, http.StatusUnsupportedMediaType, refusedType, "the body must be "+want)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMost))
	if err != nil {
		e.refuse(w, http.StatusRequestEntityTooLarge, refusedSyntax, "the body is too large, or broke off")
		return nil, false
	}
	return body, true
}

// patched takes candidates (RFC 9725, 4.3.2), or begins ICE anew (4.3.3).
func (e *Endpoint) patched(w http.ResponseWriter, r *http.Request, l *Leg) {
	body, ok := e.body(w, r, typeFragment)
	if !ok {
		return
	}
	f, err := parseFragment(body)
	if err != nil {
		e.refuse(w, http.StatusBadRequest, refusedSyntax, err.Error())
		return
	}
	l.patching.Lock()
	defer l.patching.Unlock()
	switch match := r.Header.Get("If-Match"); {
	case match == "":
		e.refuse(w, http.StatusPreconditionRequired, refusedSyntax, `If-Match is needed: the ETag of the call, or "*" to begin ICE anew`)
		return
	case match != "*" && match != `"*"` && match != l.tag():
		e.refuse(w, http.StatusPreconditionFailed, refusedSyntax, "ICE has begun anew meanwhile")
		return
	}
	restarted, err := l.trickle(r.Context(), f)
	switch {
	case err != nil:
		e.cfg.Log.Warn("a browser's candidates could not be taken", "call", l.id, "err", err)
		e.refuse(w, http.StatusInternalServerError, refusedFailed, "the candidates could not be taken")
	case restarted == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", typeFragment)
		w.Header().Set("ETag", l.tag())
		w.Write(restarted.marshal(l.offer.mid))
	}
}

// pressed takes keys of the page's key pad.
func (e *Endpoint) pressed(w http.ResponseWriter, r *http.Request, l *Leg) {
	keys, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 32))
	if err != nil || len(keys) == 0 || strings.Trim(string(keys), "0123456789*#ABCD") != "" {
		e.refuse(w, http.StatusBadRequest, refusedSyntax, "keys are 0 to 9, * and #, at most 32")
		return
	}
	for _, k := range string(keys) {
		l.stream.Press(k)
	}
	w.WriteHeader(http.StatusNoContent)
}
