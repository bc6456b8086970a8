package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ivr/console"
	"ivr/webrtc"
)

// Where the pages and their legs are.
const (
	callPage = "/call"
	deskPage = "/desk"
)

// newWeb is what operations look at: /metrics, /healthz (the process lives) and /readyz (it takes calls); and the
// pages, if there are any.
func (s *server) newWeb(ready func() error) http.Handler {
	mux := http.NewServeMux()
	if s.seatDesk != nil {
		s.browser.Register(mux, deskPage, webrtc.ForSeat)
		s.seatDesk.Register(mux, deskPage)
	}
	if p := s.cfg.Web.Call; p.Number != "" {
		s.browser.Register(mux, callPage, webrtc.ForCall)
		s.browser.Admit(mux, callPage, webrtc.Door{Number: p.Number, Open: p.Open, Key: p.Key})
		console.RegisterCallPage(mux, callPage, p.Sites)
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.reg, promhttp.HandlerOpts{Registry: s.reg}))
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
