//go:build e2e

package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"ivr/media"
	"ivr/sip"
	"ivr/testaudio"
)

const (
	theirTone = 1000.0 // Hz
	ourTone   = 600.0
)

// baresip is one of them, with its audio in files, that is told what to do.
type baresip struct {
	t       *testing.T
	dir     string
	control string
	cmd     *exec.Cmd
	out     *lockedBuffer
}

// newBaresip starts one; account are parameters of its account, ";mediaenc=srtp".
func newBaresip(t *testing.T, account string) *baresip {
	t.Helper()
	b := &baresip{t: t, dir: t.TempDir(), out: &lockedBuffer{}}
	program := need(t, "baresip")
	tone := filepath.Join(b.dir, "tone.wav")
	if err := testaudio.WriteWAV(tone, testaudio.Tone(20*time.Second, theirTone)); err != nil {
		t.Fatal(err)
	}
	baresipConfig(t, b.dir, tone)
	b.control = freePorts(t, 1)[0]
	config := filepath.Join(b.dir, "config")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	more := "module srtp.so\nmodule dtls_srtp.so\nmodule_app ctrl_tcp.so\nctrl_tcp_listen " + b.control + "\n"
	if err := os.WriteFile(config, append(text, more...), 0o600); err != nil {
		t.Fatal(err)
	}
	accounts := filepath.Join(b.dir, "accounts")
	if err := os.WriteFile(accounts, []byte("<sip:tester@127.0.0.1"+account+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.cmd = exec.Command(program, "-f", b.dir, "-t", "25")
	b.cmd.Stdout, b.cmd.Stderr = b.out, b.out
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.cmd.Process.Kill()
		b.cmd.Wait()
		if t.Failed() {
			t.Logf("baresip: %s", b.out)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; <-time.After(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", b.control); err == nil {
			c.Close()
			return b
		}
		if time.Now().After(deadline) {
			t.Fatal("baresip does not start")
		}
	}
}

// do gives it a command, as a netstring. It reads one of a connection.
func (b *baresip) do(command, parameter string) {
	b.t.Helper()
	c, err := net.Dial("tcp", b.control)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	text, _ := json.Marshal(map[string]string{"command": command, "params": parameter})
	if _, err := fmt.Fprintf(c, "%d:%s,", len(text), text); err != nil {
		b.t.Fatal(err)
	}
}

// heard is what it heard in the last seconds of its call.
func (b *baresip) heard(last time.Duration) testaudio.Heard {
	b.t.Helper()
	files, _ := filepath.Glob(filepath.Join(b.dir, "dump-*-dec.wav"))
	if len(files) == 0 {
		b.t.Fatal("baresip wrote nothing down")
	}
	pcm, err := testaudio.ReadMono(files[len(files)-1])
	if err != nil {
		b.t.Fatal(err)
	}
	return testaudio.Heard(pcm[max(0, len(pcm)-int(last.Seconds()*media.SampleRate)):])
}

// toneEar keeps what is heard.
type toneEar struct {
	mu  sync.Mutex
	pcm []int16
}

func (e *toneEar) Hear(h *media.Heard) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pcm = append(e.pcm, h.Frame[:]...)
}

// next is what is heard in the next half second.
func (e *toneEar) next() testaudio.Heard {
	e.mu.Lock()
	e.pcm = nil
	e.mu.Unlock()
	<-time.After(500 * time.Millisecond)
	e.mu.Lock()
	defer e.mu.Unlock()
	return testaudio.Heard(e.pcm)
}

// hearsTone waits until a tone is heard, or none is.
func hearsTone(t *testing.T, when string, e *toneEar, want bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); (e.next().Tone(theirTone) > 0.5) != want; {
		if time.Now().After(deadline) {
			t.Fatalf("%s: the tone of baresip is heard: %v", when, !want)
		}
	}
}

func TestBaresipHoldsAndResumesWithAudioOnBothEnds(t *testing.T) {
	for _, test := range []struct{ name, network, account, crypto string }{
		{"in the clear", "udp", ">;regint=0", ""},
		{"over TCP", "tcp", ";transport=tcp>;regint=0", ""},
		{"with SRTP", "udp", ">;regint=0;mediaenc=srtp", "AES_CM_128_HMAC_SHA1_80"},
		{"with SRTP by DTLS", "udp", ">;regint=0;mediaenc=dtls_srtp", "AES_CM_128_HMAC_SHA1_80"},
		{"over TLS with SRTP", "tls", ";transport=tls>;regint=0;mediaenc=srtp-mand", "AES_CM_128_HMAC_SHA1_80"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			legs := make(chan *sip.Leg, 1)
			cfg := sip.Config{Listen: []sip.Listen{{Network: test.network, Addr: "127.0.0.1:0"}}}
			if test.network == "tls" {
				cfg.TLS = selfSigned(t)
			}
			tone := media.NewPrompt(testaudio.Tone(time.Second, ourTone))
			ua := newSIP(t, cfg, func(ctx context.Context, l *sip.Leg) {
				if l.Answer(ctx) != nil {
					return
				}
				l.Media().Loop(tone)
				legs <- l
				untilOver(ctx, l)
			})
			b := newBaresip(t, test.account)
			b.do("dial", "sip:4000@"+ua.Addrs()[0].Addr+";transport="+test.network)
			var leg *sip.Leg
			select {
			case leg = <-legs:
			case <-time.After(10 * time.Second):
				t.Fatal("baresip does not call")
			}
			var ear toneEar
			defer leg.Media().Listen(&ear)()
			hearsTone(t, "at first", &ear, true)
			b.do("hold", "")
			hearsTone(t, "held", &ear, false)
			if p := leg.Media().Params(); p.Send {
				t.Errorf("held, and we send")
			}
			b.do("resume", "")
			hearsTone(t, "resumed", &ear, true)
			if got := leg.Media().Stats().Crypto; got != test.crypto {
				t.Errorf("protected by %q, want %q", got, test.crypto)
			}
			if got := b.heard(500 * time.Millisecond).Tone(ourTone); got < 0.5 {
				t.Errorf("baresip hears our tone at %.2f", got)
			}
			b.do("hangup", "")
			select {
			case <-leg.Done():
			case <-time.After(5 * time.Second):
				t.Error("baresip does not hang up")
			}
		})
	}
}

// selfSigned is the certificate of a test: baresip asks nobody about it.
func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
