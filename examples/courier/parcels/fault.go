package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// fault makes the service fail on demand, so that a bot's ways with a failing back end can be tried.
type fault struct {
	mu      sync.Mutex
	mode    string        // "off", "hang", "500" or "slow=3s"
	delay   time.Duration // of slow
	changed chan struct{} // closed when the mode changes: who hangs goes on
}

func (f *fault) init() { f.mode, f.changed = "off", make(chan struct{}) }

// SetFault changes the mode.
func (f *fault) SetFault(mode string) error {
	var delay time.Duration
	if text, slow := strings.CutPrefix(mode, "slow="); slow {
		var err error
		if delay, err = time.ParseDuration(text); err != nil || delay <= 0 {
			return fmt.Errorf("mode %q: wants a time as slow=3s", mode)
		}
	} else if mode != "off" && mode != "hang" && mode != "500" {
		return fmt.Errorf("mode %q: wants off, hang, 500 or slow=3s", mode)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mode, f.delay = mode, delay
	close(f.changed)
	f.changed = make(chan struct{})
	return nil
}

// release lets go whatever hangs, for the end of the service.
func (f *fault) release() { _ = f.SetFault("off") }

// failing handles requests as the mode says.
func (f *fault) failing(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		mode, delay, changed := f.mode, f.delay, f.changed
		f.mu.Unlock()
		switch {
		case mode == "500":
			refuse(w, http.StatusInternalServerError, errors.New("failing as asked to"))
			return
		case mode == "hang":
			select {
			case <-changed:
			case <-r.Context().Done():
				return
			}
		case delay > 0:
			timer := time.NewTimer(delay)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-changed:
			case <-r.Context().Done():
				return
			}
		}
		handle(w, r)
	}
}

func (f *fault) switchFault(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Mode string `json:"mode"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf(`the body is not as {"mode":"hang"}: %w`, err))
		return
	}
	if err := f.SetFault(request.Mode); err != nil {
		refuse(w, http.StatusUnprocessableEntity, err)
		return
	}
	answer(w, http.StatusOK, map[string]string{"mode": request.Mode})
}
