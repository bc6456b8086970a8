package console

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/time/rate"
)

// Login is who may sit down at a seat.
type Login struct {
	ID, Name string
	Hash     string // of the password, by bcrypt: see [HashPassword]
}

// HashPassword is what the configuration keeps of a password, which has 72 octets at most.
func HashPassword(password string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return string(hash), err
}

// IsHash reports that a string is what HashPassword makes.
func IsHash(s string) bool {
	_, err := bcrypt.Cost([]byte(s))
	return err == nil
}

// How long a sign-in is good for, and how often a password may be tried: in a row, and from then on.
const (
	shift     = 12 * time.Hour
	tries     = 5
	tryAgain  = 10 * time.Second
	seatField = "seat"
)

// sessions know who has signed in, by a cookie that scripts cannot read and other sites cannot send.
type sessions struct {
	manager *scs.SessionManager
	logins  map[string]Login
	limits  map[string]*rate.Limiter // by seat; "" for all that there are not
	nobodys []byte                   // a hash: who asks for a seat that there is not waits as long as for one that there is
}

func newSessions(logins []Login, secure bool) *sessions {
	s := &sessions{manager: scs.New(), logins: map[string]Login{}, limits: map[string]*rate.Limiter{"": rate.NewLimiter(rate.Every(tryAgain), tries)}}
	s.manager.Store = memstore.NewWithCleanupInterval(0) // a seat more or less: no goroutine for that
	s.manager.Lifetime = shift
	s.manager.HashTokenInStore = true
	s.manager.Cookie.Name, s.manager.Cookie.SameSite = "ivr_seat", http.SameSiteStrictMode
	s.manager.Cookie.Secure = secure
	cost := bcrypt.MinCost
	for _, l := range logins {
		c, _ := bcrypt.Cost([]byte(l.Hash)) // a hash: the configuration was checked
		cost = max(cost, c)
		s.logins[l.ID] = l
		s.limits[l.ID] = rate.NewLimiter(rate.Every(tryAgain), tries)
	}
	s.nobodys, _ = bcrypt.GenerateFromPassword([]byte(rand.Text()), cost) // it is not too long
	return s
}

// signIn takes {"seat", "password"}.
func (s *sessions) signIn(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Seat, Password string }
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1024)).Decode(&asked) != nil {
		http.Error(w, `the body must be {"seat": "...", "password": "..."}`, http.StatusBadRequest)
		return
	}
	login, known := s.logins[asked.Seat]
	if !known {
		login.Hash = string(s.nobodys)
	}
	if !s.limits[login.ID].Allow() {
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many tries: wait ten seconds", http.StatusTooManyRequests)
		return
	}
	if err := bcrypt.CompareHashAndPassword([]byte(login.Hash), []byte(asked.Password)); err != nil || !known {
		http.Error(w, "the seat or its password is wrong", http.StatusUnauthorized)
		return
	}
	if err := s.manager.RenewToken(r.Context()); err != nil { // against session fixation
		http.Error(w, "cannot sign in", http.StatusInternalServerError)
		return
	}
	s.manager.Put(r.Context(), seatField, login.ID)
	w.WriteHeader(http.StatusNoContent)
}

func (s *sessions) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.manager.Destroy(r.Context()); err != nil {
		http.Error(w, "cannot sign out", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// seat is who sent a request.
func (s *sessions) seat(r *http.Request) (Login, bool) {
	ctx := r.Context()
	if cookie, err := r.Cookie(s.manager.Cookie.Name); err == nil {
		if ctx, err = s.manager.Load(ctx, cookie.Value); err == nil {
			l, ok := s.logins[s.manager.GetString(ctx, seatField)]
			return l, ok
		}
	}
	return Login{}, false
}
