package records

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 123000, time.Local)

func full(id string, started time.Time) Call {
	return Call{
		ID: id, Caller: "07700900123", Name: "Maria", Called: "4000", Bot: "courier.yaml",
		Started: started, Answered: started.Add(time.Second), Ended: started.Add(time.Minute), Cause: "seat hung up", Error: "",
		Turns: []Turn{
			{At: started, Who: "bot", Text: "Good morning."},
			{At: started.Add(2 * time.Second), Who: "caller", Text: "it is a disgrace", Intent: "complaint", Score: 0.91,
				Outcome: "hand-over", Step: "start", Anger: 0.8,
				Gap: Gap{710 * time.Millisecond, 400 * time.Millisecond, 200 * time.Millisecond, time.Millisecond, 109 * time.Millisecond}},
		},
		Handovers: []Handover{{
			At: started.Add(3 * time.Second), Queue: "complaints", Reason: "anger", Detail: `said "disgrace"`, Seat: "9",
			Outcome: "joined", Brief: "Angry caller Maria.", Waited: 9 * time.Second, ToSeat: 9 * time.Second,
			Tried: []string{"7: busy"},
		}},
		Mood: 0.8, Recording: "var/a.wav", Message: "",
		RTP: RTP{3000, 1, 2990, 2, 3, 4, 5, 6, 1250 * time.Microsecond, 31 * time.Millisecond, 4.4, 3.9, 4.2, "AEAD_AES_128_GCM"},
	}
}

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "var", "a?b#c%d.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func save(t *testing.T, s *Store, calls ...Call) {
	t.Helper()
	for _, c := range calls {
		if err := s.Save(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsSavedIsRead(t *testing.T) {
	s := open(t)
	short := Call{ID: "short", Started: t0, Ended: t0.Add(time.Second), Cause: "caller hung up"}
	for _, c := range []Call{full("one", t0), short} {
		save(t, s, c, c) // the second takes the place of the first
		got, err := s.Get(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, c) {
			t.Errorf("read\n%+v\nwant\n%+v", got, c)
		}
	}
	if err := s.Save(t.Context(), Call{}); err == nil {
		t.Error("a call without ID is saved")
	}
}

func TestTheListIsFilteredAndBeginsWithTheNewest(t *testing.T) {
	s := open(t)
	old, plain, lost := full("old", t0.Add(-time.Hour)), Call{ID: "plain", Caller: "1", Started: t0, Cause: "done"}, full("lost", t0.Add(time.Second))
	lost.Handovers[0].Reason, lost.Handovers[0].Outcome = "unmatched", "no seat"
	save(t, s, old, plain, lost)
	for name, c := range map[string]struct {
		f    Filter
		want string
	}{
		"all":           {Filter{}, "lost plain old"},
		"the newest":    {Filter{Limit: 2}, "lost plain"},
		"since":         {Filter{Since: t0}, "lost plain"},
		"by cause":      {Filter{Cause: "done"}, "plain"},
		"by caller":     {Filter{Caller: "07700900123"}, "lost old"},
		"by reason":     {Filter{Reason: "anger"}, "old"},
		"by outcome":    {Filter{Outcome: "no seat"}, "lost"},
		"all at once":   {Filter{Since: t0, Caller: "1", Cause: "done", Limit: 5}, "plain"},
		"nothing of it": {Filter{Reason: "x'; DROP TABLE calls; --"}, ""},
	} {
		calls, err := s.List(t.Context(), c.f)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, c := range calls {
			ids = append(ids, c.ID)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestACallIsFoundByTheBeginningOfItsID(t *testing.T) {
	s := open(t)
	save(t, s, full("abc", t0), full("abcd", t0), full("xyz%_", t0))
	for id, want := range map[string]string{"x": "xyz%_", "abc": "abc", "abcd": "abcd", "xyz%": "xyz%_"} {
		if c, err := s.Get(t.Context(), id); err != nil || c.ID != want {
			t.Errorf("%q: %q, %v; want %q", id, c.ID, err, want)
		}
	}
	for id, want := range map[string]error{"": ErrNotFound, "q": ErrNotFound, "%": ErrNotFound, "ab": ErrAmbiguous} {
		if _, err := s.Get(t.Context(), id); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", id, err, want)
		}
	}
	if _, err := s.Get(t.Context(), "ab"); !strings.Contains(err.Error(), "abc, abcd") {
		t.Errorf("%v does not name the calls", err)
	}
}

func TestNoCardNumberReachesTheFile(t *testing.T) {
	s := open(t)
	const card, spoken = "4111 1111 1111 1111", "four one one one one one one one one one one one one one one one"
	c := full("one", t0)
	c.Turns = append(c.Turns,
		Turn{Who: "caller", Text: "my card is " + spoken}, Turn{Who: "caller", Text: "4111 1111"},
		Turn{Who: "bot", Text: "go on"}, Turn{Who: "caller", Text: "1111 1111"}, Turn{Who: "bot", Text: "I heard " + card})
	c.Handovers[0].Detail, c.Handovers[0].Brief, c.Name, c.Error = card, "Card "+spoken, card, card
	save(t, s, c)
	if c.Name != card || !strings.Contains(c.Turns[2].Text, spoken) {
		t.Error("the caller's copy was changed")
	}
	got, err := s.Get(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprint(got); strings.Contains(all, "1111") || strings.Contains(all, "one one") {
		t.Errorf("the record still has it: %s", all)
	}
	if n := strings.Count(fmt.Sprint(got), redacted); n != 8 {
		t.Errorf("%d marks, want 8: %v", n, got)
	}
}

func TestTheFileIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "var", "ivr.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, full("one", t0))
	for name, want := range map[string]os.FileMode{filepath.Dir(path): 0o700, path: 0o600, path + "-wal": 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(name), got, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestAllThatWasKeptIsWrittenBeforeTheWriterEnds(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 100 {
		if err := s.Keep(full(fmt.Sprint("call ", i), t0)); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	s.Run(ctx, func(c Call, err error) { t.Errorf("%s: %v", c.ID, err) })
	if calls, err := s.List(t.Context(), Filter{}); err != nil || len(calls) != 100 {
		t.Errorf("%d calls written, want 100 (%v)", len(calls), err)
	}
	if err := s.Keep(full("late", t0)); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

func TestAFullQueueIsAnErrorAndNobodyWaits(t *testing.T) {
	s := open(t)
	for range queueLength {
		if err := s.Keep(Call{ID: "a"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Keep(Call{ID: "b"}); !errors.Is(err, ErrFull) {
		t.Errorf("%v, want ErrFull", err)
	}
}

func TestWhatCannotBeWrittenIsToldAndTheWriterGoesOn(t *testing.T) {
	s := open(t)
	if _, err := s.db.Exec("CREATE TRIGGER full BEFORE INSERT ON calls WHEN new.id = 'bad' BEGIN SELECT RAISE(ABORT, 'disk full'); END"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "bad", "b"} {
		if err := s.Keep(full(id, t0)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var told []string
	s.Run(ctx, func(c Call, err error) { told = append(told, c.ID+": "+err.Error()) })
	if len(told) != 1 || !strings.HasPrefix(told[0], "bad: records: save bad: ") || !strings.Contains(told[0], "disk full") {
		t.Errorf("told %q", told)
	}
	if calls, _ := s.List(t.Context(), Filter{}); len(calls) != 2 {
		t.Errorf("%d calls written, want the two others", len(calls))
	}
}

func TestTheWriterWritesAsCallsCome(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	told, done := make(chan string), make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx, func(_ Call, err error) { told <- err.Error() })
	}()
	for _, c := range []Call{full("one", t0), {}} { // the second cannot be written: it says when the first has been
		if err := s.Keep(c); err != nil {
			t.Fatal(err)
		}
	}
	<-told
	if _, err := s.Get(t.Context(), "one"); err != nil {
		t.Error(err)
	}
	cancel()
	<-done
}

func TestTwoProcessesShareTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ivr.db")
	done := make(chan error)
	for p := range 2 {
		go func() {
			s, err := Open(path)
			if err == nil {
				for i := range 20 {
					err = errors.Join(err, s.Save(t.Context(), full(fmt.Sprint(p, "-", i), t0)))
				}
				err = errors.Join(err, s.Close())
			}
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if calls, err := s.List(t.Context(), Filter{}); len(calls) != 40 {
		t.Errorf("%d calls, want 40 (%v)", len(calls), err)
	}
}

func TestAFileThatIsNotOursIsOneClearError(t *testing.T) {
	dir := t.TempDir()
	newer := filepath.Join(dir, "newer.db")
	db, err := sql.Open("sqlite", newer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		newer:                          "written by a newer ivr",
		garbage:                        "not a database",
		dir:                            "is a directory",
		filepath.Join(garbage, "x.db"): "not a directory",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}
