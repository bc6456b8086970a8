package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// maxBody bounds what is read of a request.
const maxBody = 1 << 16

// Service answers over HTTP.
type Service struct {
	depot *Depot
	mux   *http.ServeMux
	fault
}

// NewService serves a depot.
func NewService(depot *Depot) *Service {
	s := &Service{depot: depot, mux: http.NewServeMux()}
	s.fault.init()
	s.mux.HandleFunc("GET /parcels/{number}", s.failing(s.parcel))
	s.mux.HandleFunc("POST /parcels/{number}/redelivery", s.failing(s.redelivery))
	s.mux.HandleFunc("GET /fees", s.failing(s.fees))
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("POST /fault", s.switchFault)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, errors.New("no such page"))
	})
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	s.mux.ServeHTTP(w, r)
}

func (s *Service) parcel(w http.ResponseWriter, r *http.Request) {
	p, err := s.depot.Parcel(r.Context(), r.PathValue("number"))
	if err != nil {
		refuse(w, status(err), err)
		return
	}
	answer(w, http.StatusOK, p)
}

func (s *Service) redelivery(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Day string `json:"day"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		refuse(w, http.StatusBadRequest, fmt.Errorf(`the body is not as {"day":"2026-03-21"}: %w`, err))
		return
	}
	b, err := s.depot.Book(r.Context(), r.PathValue("number"), request.Day, r.Header.Get("Idempotency-Key"))
	if err != nil {
		refuse(w, status(err), err)
		return
	}
	answer(w, http.StatusCreated, b)
}

// countries are the names under which a caller's country may come.
var countries = map[string]string{"gb": "gb", "uk": "gb", "eu": "eu", "europe": "eu", "world": "world"}

func (s *Service) fees(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	country, known := countries[strings.ToLower(query.Get("country"))]
	kg, err := strconv.ParseFloat(query.Get("kg"), 64)
	if err != nil || !known {
		refuse(w, http.StatusUnprocessableEntity, errors.New("wants country=gb, eu or world, and kg=2"))
		return
	}
	pence, err := s.depot.Price(r.Context(), country, kg)
	if err != nil {
		refuse(w, status(err), err)
		return
	}
	answer(w, http.StatusOK, map[string]int{"price_pence": pence})
}

func (s *Service) healthz(w http.ResponseWriter, r *http.Request) {
	if err := s.depot.Healthy(r.Context()); err != nil {
		refuse(w, http.StatusServiceUnavailable, err)
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// status is the HTTP status of an error of the depot.
func status(err error) int {
	switch {
	case errors.Is(err, ErrUnknown):
		return http.StatusNotFound
	case errors.Is(err, ErrRefused):
		return http.StatusConflict
	case errors.Is(err, ErrDay), errors.Is(err, ErrKeyReuse), errors.Is(err, ErrNoPrice):
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}

func refuse(w http.ResponseWriter, status int, err error) {
	answer(w, status, map[string]string{"error": err.Error()})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who does not read the answer does not miss it
}
