package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// monday is the demo's today.
var monday = time.Date(2026, 3, 2, 23, 30, 0, 0, time.FixedZone("west", -5*3600))

func open(t *testing.T, path string, now time.Time) *Service {
	t.Helper()
	depot, err := OpenDepot(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := depot.Close(); err != nil {
			t.Error(err)
		}
	})
	return NewService(depot)
}

// ask sends one request and returns the status and the answer, which is always JSON.
func ask(t *testing.T, s http.Handler, method, path, body string, header ...string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%s %s: %v: %q", method, path, err, w.Body)
	}
	if got["error"] == "" || (got["error"] != nil) != (w.Code >= 400) {
		t.Errorf("%s %s: status %d with %v", method, path, w.Code, got)
	}
	return w.Code, got
}

func TestTheParcelOfTheDemoIsOutForDeliveryToday(t *testing.T) {
	s := open(t, "", monday)
	code, got := ask(t, s, "GET", "/parcels/4512", "")
	want := map[string]any{
		"number": "4512", "status": "out_for_delivery", "place": "our van in your area", "expected": "2026-03-02",
		"window": "between two and four in the afternoon", "recipient": "Maria Lopez",
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
	if code != 200 || len(got) != len(want) {
		t.Errorf("%d %v", code, got)
	}
	for _, number := range []string{"0000", "45123", "x", "%27;DROP"} {
		if code, got := ask(t, s, "GET", "/parcels/"+number, ""); code != 404 || got["error"] != "unknown parcel" {
			t.Errorf("%s: %d %v", number, code, got)
		}
	}
}

func TestTheDataSuitsTheDemoOnEveryDayOfTheWeek(t *testing.T) {
	statuses := map[string]int{}
	for day := range 7 {
		s := open(t, "", monday.AddDate(0, 0, day))
		rows, err := s.depot.db.Query("SELECT number FROM parcels")
		if err != nil {
			t.Fatal(err)
		}
		var numbers []string
		for rows.Next() {
			var n string
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, n)
		}
		if len(numbers) < 40 {
			t.Fatalf("only %d parcels", len(numbers))
		}
		for _, n := range numbers {
			p, err := s.depot.Parcel(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			expected, err := time.Parse(time.DateOnly, p.Expected)
			today := s.depot.today()
			switch {
			case err != nil || !regexp.MustCompile(`^\d{4}$`).MatchString(n):
				t.Errorf("%+v: %v", p, err)
			case p.Status != "out_for_delivery" && expected.Weekday() == time.Sunday:
				t.Errorf("%s is expected on a Sunday", n)
			case p.Status == "out_for_delivery" && expected != today, p.Status == "in_transit" && !expected.After(today),
				p.Status == "delivered" && !expected.Before(today):
				t.Errorf("%s is %s on %s, today is %v", n, p.Status, p.Expected, today)
			case strings.ContainsAny(p.Window+p.Place, "0123456789:"):
				t.Errorf("%s: %q, %q cannot be spoken", n, p.Window, p.Place)
			case p.Window == "" && (p.Status == "out_for_delivery" || p.Status == "in_transit" || p.Status == "delivered"):
				t.Errorf("%s has no time", n)
			}
			statuses[p.Status]++
		}
	}
	if len(statuses) != 6 {
		t.Errorf("statuses %v", statuses)
	}
}

func TestARedeliveryIsBooked(t *testing.T) {
	s := open(t, "", monday)
	code, got := ask(t, s, "POST", "/parcels/1523/redelivery", `{"day":"2026-03-05"}`)
	if code != 201 || got["number"] != "1523" || got["day"] != "2026-03-05" || got["reference"] != "R1234" {
		t.Fatalf("%d %v", code, got)
	}
	if _, p := ask(t, s, "GET", "/parcels/1523", ""); p["status"] != "in_transit" || p["expected"] != "2026-03-05" {
		t.Errorf("the parcel does not know: %v", p)
	}
	if code, again := ask(t, s, "POST", "/parcels/1523/redelivery", `{"day":"2026-03-05"}`); code != 201 || again["reference"] != "R1234" {
		t.Errorf("the same day again: %d %v", code, again)
	}
	if code, other := ask(t, s, "POST", "/parcels/1523/redelivery", `{"day":"2026-03-06"}`); code != 201 || other["reference"] != "R1235" {
		t.Errorf("another day: %d %v", code, other)
	}
}

func TestARedeliveryIsRefusedWithTheReason(t *testing.T) {
	s := open(t, "", monday)
	for name, c := range map[string]struct {
		number, body string
		code         int
		says         string
	}{
		"unknown parcel": {"9999", `{"day":"2026-03-05"}`, 404, "unknown parcel"},
		"delivered":      {"1386", `{"day":"2026-03-05"}`, 409, "it is delivered"},
		"lost":           {"3702", `{"day":"2026-03-05"}`, 409, "it is lost"},
		"customs":        {"2166", `{"day":"2026-03-05"}`, 409, "it is with customs"},
		"a Sunday":       {"1523", `{"day":"2026-03-08"}`, 422, "Sunday"},
		"past":           {"1523", `{"day":"2026-02-27"}`, 422, "tomorrow is the first"},
		"today":          {"1523", `{"day":"2026-03-02"}`, 422, "tomorrow is the first"},
		"far away":       {"1523", `{"day":"2026-03-17"}`, 422, "two weeks"},
		"no day":         {"1523", `{}`, 422, `"" is not a day`},
		"not a day":      {"1523", `{"day":"Thursday"}`, 422, `"Thursday" is not a day`},
		"no JSON":        {"1523", `day=1`, 400, "the body is not as"},
		"far too much":   {"1523", `{"day":"` + strings.Repeat("x", maxBody) + `"}`, 400, "too large"},
	} {
		code, got := ask(t, s, "POST", "/parcels/"+c.number+"/redelivery", c.body)
		if says, _ := got["error"].(string); code != c.code || !strings.Contains(says, c.says) {
			t.Errorf("%s: %d %v, want %d %q", name, code, got, c.code, c.says)
		}
	}
}

func TestATriedAgainBookingIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parcels.db")
	s := open(t, path, monday)
	book := func(s http.Handler, number, day string) (int, map[string]any) {
		return ask(t, s, "POST", "/parcels/"+number+"/redelivery", `{"day":"`+day+`"}`, "Idempotency-Key", "k1")
	}
	_, first := book(s, "1523", "2026-03-05")
	later := open(t, path, monday.AddDate(0, 0, 5)) // after a restart, and the day is past: still the answer of then
	if code, again := book(later, "1523", "2026-03-05"); code != 201 || again["reference"] != first["reference"] {
		t.Errorf("the second try: %d %v, want %v", code, again, first)
	}
	if code, other := book(s, "1523", "2026-03-06"); code != 422 {
		t.Errorf("the key for another day: %d %v", code, other)
	}
	if code, other := book(s, "2840", "2026-03-05"); code != 422 {
		t.Errorf("the key for another parcel: %d %v", code, other)
	}
}

func TestFeesGrowWithWeightAndDistance(t *testing.T) {
	s := open(t, "", monday)
	for query, want := range map[string]float64{
		"country=gb&kg=2": 495, "country=uk&kg=0.5": 495, "country=gb&kg=2.01": 795, "country=europe&kg=10": 1795, "country=eu&kg=25": 2995,
		"country=world&kg=11": 6995,
	} {
		if code, got := ask(t, s, "GET", "/fees?"+query, ""); code != 200 || got["price_pence"] != want {
			t.Errorf("%s: %d %v, want %v", query, code, got, want)
		}
	}
	for _, query := range []string{"", "country=gb", "kg=2", "country=moon&kg=2", "country=gb&kg=26", "country=gb&kg=0", "country=gb&kg=x",
		"country=gb&kg=NaN", "country=gb&kg=-1"} {
		if code, got := ask(t, s, "GET", "/fees?"+query, ""); code != 422 {
			t.Errorf("%s: %d %v, want 422", query, code, got)
		}
	}
}

func TestFaultsComeAndGo(t *testing.T) {
	s := open(t, "", monday)
	mode := func(m string) int {
		code, _ := ask(t, s, "POST", "/fault", `{"mode":"`+m+`"}`)
		return code
	}
	for _, m := range []string{"", "slow", "slow=", "slow=-1s", "slow=x", "crash"} {
		if code := mode(m); code != 422 {
			t.Errorf("mode %q: %d, want 422", m, code)
		}
	}
	mode("500")
	if code, _ := ask(t, s, "GET", "/parcels/4512", ""); code != 500 {
		t.Errorf("with 500: %d", code)
	}
	if code, _ := ask(t, s, "GET", "/healthz", ""); code != 200 {
		t.Errorf("health with 500: %d", code)
	}
	mode("off")
	if code, _ := ask(t, s, "GET", "/parcels/4512", ""); code != 200 {
		t.Errorf("off again: %d", code)
	}
}

func TestSlowAnswersAreSlowAndHangingOnesHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fault
		f.init()
		handle := f.failing(func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, "fine") })
		get := func(ctx context.Context) (int, time.Duration) {
			began, w := time.Now(), httptest.NewRecorder()
			handle(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
			if w.Body.Len() == 0 {
				return 0, time.Since(began)
			}
			return w.Code, time.Since(began)
		}
		set := func(mode string) {
			if err := f.SetFault(mode); err != nil {
				t.Fatal(err)
			}
		}
		set("slow=3s")
		if code, took := get(t.Context()); code != 200 || took != 3*time.Second {
			t.Errorf("slow: %d after %v", code, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if code, took := get(ctx); code != 0 || took != 2*time.Second {
			t.Errorf("slow and given up: %d after %v", code, took)
		}
		set("hang")
		ctx, cancel = context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if code, took := get(ctx); code != 0 || took != time.Hour {
			t.Errorf("hang: %d after %v", code, took)
		}
		time.AfterFunc(time.Minute, f.release)
		if code, took := get(t.Context()); code != 200 || took != time.Minute {
			t.Errorf("hang until off: %d after %v", code, took)
		}
	})
}

func TestPagesThereAreNotAreRefusedAsJSON(t *testing.T) {
	s := open(t, "", monday)
	for _, path := range []string{"/", "/parcels", "/parcels/4512/x", "/metrics"} {
		if code, _ := ask(t, s, "GET", path, ""); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
}

func TestSIGTERMLetsRequestsInProgressEnd(t *testing.T) {
	s := open(t, "", monday)
	if err := s.SetFault("hang"); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	arrived := make(chan struct{})
	inner := s.mux
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		inner.ServeHTTP(w, r)
	})
	go func() { served <- serve(ctx, l, s) }()
	got := make(chan int)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		resp, err := client.Get("http://" + l.Addr().String() + "/parcels/4512")
		if err != nil {
			t.Error(err)
			got <- 0
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		got <- resp.StatusCode
	}()
	<-arrived
	cancel()
	if code := <-got; code != 200 {
		t.Errorf("the request in progress got %d", code)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestTheCommandSaysWhereItListensAndWhatIsWrong(t *testing.T) {
	run := func(ctx context.Context, args ...string) (string, error) {
		cmd := newCommand()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetArgs(args)
		return out.String(), cmd.ExecuteContext(ctx)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := run(done, "--listen", "127.0.0.1:0"); err != nil {
		t.Error(err)
	}
	for want, args := range map[string][]string{
		"wants off, hang, 500 or slow=3s": {"--fault", "crash"},
		"missing port":                    {"--listen", "here"},
		"cannot prepare the data":         {"--db", "/no/such/folder/x.db"},
	} {
		if _, err := run(done, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
