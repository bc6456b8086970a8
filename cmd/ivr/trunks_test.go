package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func house() trunksJSON {
	now := time.Now()
	until := now.Add(4 * time.Minute)
	return trunksJSON{
		Trunks: []trunkJSON{
			{Name: "carrier", Up: true, Since: &now, Server: "tls:192.0.2.1:5061", Registered: true, RegisteredUntil: &until, Calls: 2, In: 9, Out: 1, Refused: 3},
			{Name: "pbx", Why: "no answer: 192.0.2.9"},
		},
		Refusals: []refusalJSON{{Trunk: "carrier", Source: "192.0.2.1", Reason: "calls too fast on the trunk", Setting: "trunks.carrier.call_rate", What: "INVITE", Count: 3, First: now, Last: now}},
		Bans:     []banJSON{{Source: "203.0.113.9", Reason: "scanner", Until: until, Times: 2}},
	}
}

func TestTheTrunksOfAHouseAreAskedOverItsWebListener(t *testing.T) {
	server := httptest.NewServer(newOperations(prometheus.NewRegistry(), func() error { return nil }, house))
	defer server.Close()
	all, err := askTrunks(t.Context(), strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printTrunks(&out, all, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"carrier  up     0s ago  tls:192.0.2.1:5061  for 4m0s", "no answer: 192.0.2.9",
		"calls too fast on the trunk  trunks.carrier.call_rate  INVITE", "203.0.113.9  4m0s  scanner  2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, &out)
		}
	}
	server.Close()
	if _, err := askTrunks(t.Context(), strings.TrimPrefix(server.URL, "http://")); err == nil || !strings.Contains(err.Error(), "is the house running") {
		t.Error(err)
	}
}

// The listener may be open for a Prometheus elsewhere; who calls whom is not for everybody.
func TestTheTrunksAreToldToThisMachineOnly(t *testing.T) {
	web := newOperations(prometheus.NewRegistry(), func() error { return nil }, house)
	for _, test := range []struct {
		from, host string
		code       int
	}{
		{"127.0.0.1:5000", "127.0.0.1:8080", 200}, {"[::1]:5000", "[::1]:8080", 200}, {"127.0.0.1:5000", "localhost:8080", 200},
		{"192.0.2.7:5000", "192.0.2.1:8080", 403}, {"192.0.2.7:5000", "127.0.0.1", 403},
		{"127.0.0.1:5000", "evil.example:8080", 403}, // a page that makes a browser here ask
	} {
		req := httptest.NewRequest(http.MethodGet, "/trunks", nil)
		req.RemoteAddr, req.Host = test.from, test.host
		got := httptest.NewRecorder()
		web.ServeHTTP(got, req)
		if got.Code != test.code || json.Valid(got.Body.Bytes()) != (test.code == 200) {
			t.Errorf("%+v: %d %s", test, got.Code, got.Body)
		}
	}
}
