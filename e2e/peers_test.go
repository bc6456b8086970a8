//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ivr/testaudio"
)

func TestSippCallsOverUDPAndTCP(t *testing.T) {
	t.Parallel()
	sipp := need(t, "sipp")
	h := open(t, settings{})
	for _, transport := range []string{"u1", "t1"} {
		t.Run(transport, func(t *testing.T) {
			out, err := exec.Command(sipp, "-sn", "uac", "-t", transport, "-i", "127.0.0.1", "-s", "4000", "-m", "20", "-r", "10", "-d", "500",
				"-nostdin", "-timeout", "60", h.sip).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, tail(out))
			}
		})
	}
	for _, r := range h.records(40) {
		if r.Cause != "caller hung up" {
			t.Errorf("ended because %q", r.Cause)
		}
	}
}

// baresip calls with audio that this project did not make, where there is some beside it, and hears the right facts.
func TestBaresipCallsAndHearsTheAnswer(t *testing.T) {
	t.Parallel()
	baresip := need(t, "baresip")
	h := open(t, settings{})
	dir := t.TempDir()
	question := filepath.Join(dir, "question.wav")
	// A human voice asks for digits: prompts recorded for telephones.
	pcm := testaudio.Join(testaudio.Silence(6*time.Second), spoken(t, "where is my parcel").PCM(), testaudio.Silence(5*time.Second))
	for _, digit := range []string{"4", "5", "1", "2"} {
		pcm = testaudio.Join(pcm, human(t, digit))
	}
	pcm = testaudio.Join(pcm, testaudio.Silence(15*time.Second))
	pcm = testaudio.Telephone(pcm, testaudio.MuLaw) // baresip halves the rate without a filter: nothing may be left above 4 kHz
	if err := testaudio.WriteWAV(question, pcm); err != nil {
		t.Fatal(err)
	}
	baresipConfig(t, dir, question)
	cmd := exec.Command(baresip, "-f", dir, "-e", "/dial "+h.uri(), "-t", "30")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(out))
	}
	t.Logf("recorded: %+v", h.records(1)[0].Turns)
	heard, _ := filepath.Glob(filepath.Join(dir, "dump-*-dec.wav"))
	if len(heard) != 1 {
		t.Fatalf("baresip wrote %v\n%s", heard, tail(out))
	}
	contains(t, "baresip heard", transcript(t, heard[0], 0), "out for delivery", "between two and four")
}

// human is a digit spoken by a person, from labelled recordings beside the project; else by the project's voice.
func human(t *testing.T, digit string) []int16 {
	files, _ := filepath.Glob(filepath.Join(root("../shared/data/asr_fsdd_test/wav"), digit+"_george_0.wav"))
	if len(files) == 0 {
		return spoken(t, digit).PCM()
	}
	pcm, err := testaudio.ReadMono(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return testaudio.Join(pcm, testaudio.Silence(120*time.Millisecond))
}

// baresipConfig has it speak a file and write what it hears.
func baresipConfig(t *testing.T, dir, question string) {
	t.Helper()
	modules := "/usr/lib/baresip/modules"
	if found, _ := filepath.Glob("/usr/lib/*/baresip/modules"); len(found) > 0 {
		modules = found[0]
	}
	config := strings.Join([]string{
		"module_path " + modules, "sip_listen 127.0.0.1:0", "audio_source aufile," + question, "snd_path " + dir,
		"module g711.so", "module aufile.so", "module sndfile.so", "module_app account.so", "module_app menu.so", "module stdio.so",
		"rtp_ports 45000-45998", "call_max_calls 1", "audio_srate 8000", "auplay_srate 8000", "ausrc_srate 16000", "",
	}, "\n")
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "accounts"), []byte("<sip:tester@127.0.0.1>;regint=0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// need finds a peer, or skips: set-up installs it where it may.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed: run scripts/setup as root", program)
	}
	return path
}

func tail(b []byte) []byte { return b[max(0, len(b)-3000):] }
