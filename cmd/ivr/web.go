package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ivr/console"
	"ivr/webrtc"
)

// Where the pages and their legs are.
const (
	callPage = "/call"
	deskPage = "/desk"
)

// newWeb is all that the house serves over HTTP: what operations look at, and the pages, if there are any.
func (s *server) newWeb(ready func() error) http.Handler {
	mux := newOperations(s.reg, ready, s.trunks)
	if s.seatDesk != nil {
		s.browser.Register(mux, deskPage, webrtc.ForSeat)
		s.seatDesk.Register(mux, deskPage)
	}
	if p := s.cfg.Web.Call; p.Number != "" {
		s.browser.Register(mux, callPage, webrtc.ForCall)
		s.browser.Admit(mux, callPage, webrtc.Door{Number: p.Number, Open: p.Open, Key: p.Key})
		console.RegisterCallPage(mux, callPage, p.Sites)
	}
	return mux
}

// newOperations is what operations look at: /metrics, /healthz (the process lives), /readyz (it takes calls) and, for this machine only,
// /trunks.
func newOperations(reg *prometheus.Registry, ready func() error, trunks func() trunksJSON) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /trunks", localOnly(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(trunks())
	}))
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ready\n"))
	})
	return mux
}

// localOnly serves whoever sits at this machine, however widely the listener is open. A name other than the machine's own in Host is
// that of a web page which makes a browser here ask for it.
func localOnly(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		named, err := netip.ParseAddr(strings.Trim(host, "[]"))
		from, fromErr := netip.ParseAddrPort(r.RemoteAddr)
		if fromErr != nil || !from.Addr().Unmap().IsLoopback() || host != "localhost" && (err != nil || !named.IsLoopback()) {
			http.Error(w, "only for this machine: ask on it, with ivr trunks", http.StatusForbidden)
			return
		}
		h(w, r)
	})
}

// serveWeb serves on l until ctx is done, then lets requests in progress finish.
func serveWeb(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		srv.Shutdown(grace)
	}()
	err := srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		<-stopped
		return nil
	}
	return err
}
