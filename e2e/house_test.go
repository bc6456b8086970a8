//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ivr/speech/local"
	"ivr/speech/models"
	"ivr/testaudio"
)

// house is a contact centre in processes of its own, on ports of its own.
type house struct {
	t       *testing.T
	sip     string // host:port, UDP and TCP
	web     string
	parcels string
	pbx     string    // "" when there is none
	seats   [2]string // where the configuration has seats 1 (service, claims) and 2 (complaints, service)
	data    string
	log     *lockedBuffer
	cmd     *exec.Cmd
	ended   chan error
}

// settings that a test may change.
type settings struct {
	maxCalls int
	limits   string // YAML of the limits block, "ring: 3s"
	wait     string // of every queue
	pbx      bool   // callers and seat 1 are behind a PBX with digest, kamailio
	browser  bool   // seat 2 has a browser instead of a phone; its password is that of the tests
}

// open starts the parcel service and the bot and waits until both are ready.
func open(t *testing.T, s settings) *house {
	t.Helper()
	ports := freePorts(t, 5)
	h := &house{t: t, data: t.TempDir(), log: &lockedBuffer{}, ended: make(chan error, 1),
		sip: ports[0], web: ports[1], parcels: ports[2], seats: [2]string{ports[3], ports[4]}}
	h.start(exec.Command(root("bin/parcels"), "--listen", h.parcels), nil)
	if s.maxCalls == 0 {
		s.maxCalls = 200
	}
	if s.wait == "" {
		s.wait = "20s"
	}
	trunks, ann := "", "sip:ann@"+h.seats[0]
	if s.pbx {
		h.pbx, ann = kamailio(t, "SHA-256", h.seats[0]), "tel:201"
		trunks = fmt.Sprintf(`trunks:
  pbx: {address: "%s", user: bot, password: env:PBX_PASSWORD, register: true, pass: ["*"], in: [{match: bot, strip: 3, prefix: "4000"}]}
`, h.pbx)
	}
	ben := `address: "sip:ben@` + h.seats[1] + `"`
	if s.browser {
		ben = `address: browser, password: "` + hashOfPassword(t) + `"`
	}
	config := trunks + fmt.Sprintf(`
sip:
  listen: [udp://%[1]s, tcp://%[1]s]
  max_calls: %[2]d
rtp: {bind: 127.0.0.1, ports: 30000-39998}
web: {listen: %[3]s, call: {number: "4000"}}
data: %[4]s
bots: {"4000": %[5]s}
queues: {service: {wait: %[6]s}, complaints: {wait: %[6]s}, claims: {wait: %[6]s}}
seats:
  - {id: "1", name: Ann, address: "%[7]s", queues: [service, claims]}
  - {id: "2", name: Ben, %[8]s, queues: [complaints, service]}
rescue: service
limits: {wrap_up: 1s, %[9]s}
drain: 20s
`, h.sip, s.maxCalls, h.web, h.data, root("examples/courier/courier.yaml"), s.wait, ann, ben, s.limits)
	if err := os.Symlink(prompts(), filepath.Join(h.data, "prompts")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.data, "ivr.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	h.cmd = exec.Command(root("bin/ivr"), "serve", path)
	h.cmd.Env = append(os.Environ(), "PARCELS_URL=http://"+h.parcels, "PBX_PASSWORD=secret")
	h.start(h.cmd, h.ended)
	h.ready("http://" + h.web + "/readyz")
	h.ready("http://" + h.parcels + "/healthz")
	return h
}

// start runs a process until the test ends, then asks it to end and checks that it does so well.
func (h *house) start(cmd *exec.Cmd, ended chan error) {
	h.t.Helper()
	cmd.Stdout, cmd.Stderr = h.log, h.log
	if err := cmd.Start(); err != nil {
		h.t.Fatalf("%s: %v; make bin/ivr bin/parcels builds it", cmd.Path, err)
	}
	if ended == nil {
		ended = make(chan error, 1)
	}
	go func() { ended <- cmd.Wait() }()
	h.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				h.t.Errorf("%s ended with %v", filepath.Base(cmd.Path), err)
			}
		case <-time.After(40 * time.Second):
			cmd.Process.Kill()
			h.t.Errorf("%s did not end", filepath.Base(cmd.Path))
		}
		if h.t.Failed() {
			h.t.Logf("log of the house:\n%s", h.log.String())
		}
	})
}

func (h *house) ready(url string) {
	h.t.Helper()
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); <-time.After(50 * time.Millisecond) {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
	}
	h.t.Fatalf("%s never became ready:\n%s", url, h.log.String())
}

// uri of the bot.
func (h *house) uri() string {
	if h.pbx != "" {
		return "sip:bot@" + h.pbx
	}
	return "sip:4000@" + h.sip
}

// talk is what ivr call --json tells.
type talk struct {
	Events  []event
	Summary summary
	Exit    int
	Output  string
}

type event struct {
	At    float64 `json:"at"`
	Party string  `json:"party"`
	Event string  `json:"event"`
	Text  string  `json:"text"`
	GapMS int64   `json:"gap_ms"`
}

type summary struct {
	Summary     bool   `json:"summary"`
	OK          bool   `json:"ok"`
	Error       string `json:"error"`
	Replies     int    `json:"replies"`
	MedianGapMS int64  `json:"median_gap_ms"`
}

// said joins the texts of one kind of event.
func (k talk) said(kind string) string {
	var b strings.Builder
	for _, e := range k.Events {
		if e.Event == kind {
			b.WriteString(e.Text + "\n")
		}
	}
	return b.String()
}

func (k talk) gaps() (ms []int64) {
	for _, e := range k.Events {
		if e.GapMS > 0 {
			ms = append(ms, e.GapMS)
		}
	}
	return ms
}

// call places a call and returns when it has ended.
func (h *house) call(args ...string) talk {
	return <-h.callAsync(append([]string{h.uri()}, args...)...)
}

// perform plays talk scripts, those of make demo when none are given, with callers and seats of their own, and fails the test
// unless everything that had to be heard was heard.
func (h *house) perform(t *testing.T, scripts ...string) {
	t.Helper()
	args := []string{"demo", "--url", h.uri(), "--seats", "1=" + h.seats[0] + ",2=" + h.seats[1], "--recordings", t.TempDir()}
	for _, script := range scripts {
		path := filepath.Join(t.TempDir(), "script.talk")
		if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	cmd := exec.Command(root("bin/ivr"), args...)
	cmd.Dir = root(".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
}

// seat answers at one of the configured seats' addresses, until it has had its calls.
func (h *house) seat(n int, args ...string) <-chan talk {
	return h.callAsync(append([]string{"--seat", "--listen", h.seats[n]}, args...)...)
}

func (h *house) callAsync(args ...string) <-chan talk {
	h.t.Helper()
	cmd := exec.Command(root("bin/ivr"), append([]string{"call", "--json"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	done := make(chan talk, 1)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		err := cmd.Wait()
		k := talk{Exit: cmd.ProcessState.ExitCode(), Output: out.String() + errs.String()}
		if err != nil && k.Exit < 0 {
			k.Output += err.Error()
		}
		for line := bufio.NewScanner(&out); line.Scan(); {
			if json.Unmarshal(line.Bytes(), &k.Summary); k.Summary.Summary {
				continue
			}
			var e event
			if json.Unmarshal(line.Bytes(), &e) == nil {
				k.Events = append(k.Events, e)
			}
		}
		done <- k
	}()
	h.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-gone
	})
	return done
}

// record is one line of ivr calls --json.
type record struct {
	ID        string  `json:"id"`
	Cause     string  `json:"cause"`
	ReplyGap  float64 `json:"reply_gap_ms"`
	Recording string  `json:"recording"`
	Message   string  `json:"message"`
	Turns     []struct {
		Who    string  `json:"who"`
		Text   string  `json:"text"`
		Intent string  `json:"intent"`
		Gap    float64 `json:"gap_ms"`
	} `json:"turns"`
	Handovers []struct {
		Queue   string   `json:"queue"`
		Reason  string   `json:"reason"`
		Seat    string   `json:"seat"`
		Outcome string   `json:"outcome"`
		Brief   string   `json:"brief"`
		Tried   []string `json:"tried"`
	} `json:"handovers"`
	RTP struct {
		Sent     int `json:"sent"`
		SentLate int `json:"sent_late"`
		Lost     int `json:"lost"`
	} `json:"rtp"`
}

// records lists the calls that have ended, the latest first, once there are at least n.
func (h *house) records(n int) (list []record) {
	h.t.Helper()
	for until := time.Now().Add(15 * time.Second); ; <-time.After(200 * time.Millisecond) {
		out, err := exec.Command(root("bin/ivr"), "calls", "--data", h.data, "--json", "--limit", strconv.Itoa(n+100)).Output()
		if err != nil {
			h.t.Fatalf("ivr calls: %v", err)
		}
		list = nil
		if err := json.Unmarshal(out, &list); err != nil {
			h.t.Fatalf("ivr calls --json: %v\n%s", err, out)
		}
		if len(list) >= n {
			return list
		}
		if time.Now().After(until) {
			h.t.Fatalf("%d records, want %d", len(list), n)
		}
	}
}

// metric reads one sample of /metrics, 0 when it is not there.
func (h *house) metric(name string) (sum float64) {
	h.t.Helper()
	resp, err := http.Get("http://" + h.web + "/metrics")
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	for line := bufio.NewScanner(resp.Body); line.Scan(); {
		rest, ok := strings.CutPrefix(line.Text(), name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		v, _ := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		sum += v
	}
	return sum
}

// prompts is where all houses keep what was spoken ahead, so that only the first takes long to open.
var prompts = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "ivr-e2e-prompts-")
	if err != nil {
		panic(err)
	}
	return dir
})

func TestMain(m *testing.M) {
	defer os.RemoveAll(prompts())
	m.Run()
}

var engines = sync.OnceValues(func() (*local.Engines, error) {
	set, err := models.Open("")
	if err != nil {
		return nil, err
	}
	return local.Open(set, local.Options{Voice: "alan", Steady: true})
})

// pad is kept around a piece of speech: words begin and end softly.
const pad = 150 * time.Millisecond

// transcript is what a recogniser that knows nothing of the call makes of one channel of a recording, piece by piece.
func transcript(t *testing.T, path string, channel int) string {
	t.Helper()
	e, err := engines()
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := testaudio.ReadWAV(path)
	if err != nil {
		t.Fatal(err)
	}
	if channel >= len(pcm) {
		t.Fatalf("%s has %d channels", path, len(pcm))
	}
	var words []string
	heard := testaudio.Heard(pcm[channel])
	for _, piece := range heard.Segments() {
		got, err := e.Recogniser.Recognise(context.Background(), heard.Between(piece.From-pad, piece.To+pad))
		if err != nil {
			t.Fatal(err)
		}
		words = append(words, got.Text)
	}
	return strings.Join(words, " ")
}

// contains reports that a text has all the fragments, by words: numbers may be in digits or words.
func contains(t *testing.T, what, text string, fragments ...string) {
	t.Helper()
	for _, f := range fragments {
		if !testaudio.Says(text, f) {
			t.Errorf("%s: %q is not in %q", what, f, text)
		}
	}
}

func root(path string) string {
	abs, _ := filepath.Abs(filepath.Join("..", path))
	return abs
}

// nextPort goes through ports that the kernel gives to nobody by itself, so that what is free now is free when it is used.
var nextPort atomic.Int32

// freePorts are free for UDP and TCP.
func freePorts(t *testing.T, n int) (addrs []string) {
	t.Helper()
	const first, last = 20000, 29999
	for range last - first {
		addr := fmt.Sprintf("127.0.0.1:%d", first+int(nextPort.Add(1))%(last-first))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		u, err := net.ListenPacket("udp", addr)
		l.Close()
		if err != nil {
			continue
		}
		u.Close()
		if addrs = append(addrs, addr); len(addrs) == n {
			return addrs
		}
	}
	t.Fatal("no free ports")
	return nil
}

// lockedBuffer takes the output of several processes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var _ io.Writer = (*lockedBuffer)(nil)
