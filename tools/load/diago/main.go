// Command diago answers calls with github.com/emiago/diago and plays two minutes of a tone: what our own figures are compared to. It is
// a module of its own, so that nothing of ours depends on it.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"github.com/emiago/diago"
	"github.com/emiago/sipgo"
)

func main() {
	addr := flag.String("sip", "127.0.0.1:5070", "address to listen on, UDP")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr); err != nil {
		fmt.Fprintln(os.Stderr, "diago:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, addr string) error {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	ua, err := sipgo.NewUA()
	if err != nil {
		return err
	}
	prompt := tone()
	d := diago.NewDiago(ua, diago.WithTransport(diago.Transport{Transport: "udp", BindHost: host, BindPort: number}))
	return d.Serve(ctx, func(call *diago.DialogServerSession) {
		if call.Trying() != nil || call.Answer() != nil {
			return
		}
		playback, err := call.PlaybackCreate()
		if err != nil {
			return
		}
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { _ = call.Listen() }) // until the call ends
		for call.Context().Err() == nil {
			if _, err := playback.Play(bytes.NewReader(prompt), "audio/wav"); err != nil {
				return
			}
		}
	})
}

// tone is a WAV file of 16-bit samples at 8 kHz.
func tone() []byte {
	const rate, seconds = 8000, 120
	var b bytes.Buffer
	le := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) } // into memory: cannot fail
	b.WriteString("RIFF")
	le(uint32(36 + 2*rate*seconds))
	b.WriteString("WAVEfmt ")
	le(uint32(16))
	le([]uint16{1, 1})
	le([]uint32{rate, 2 * rate})
	le([]uint16{2, 16})
	b.WriteString("data")
	le(uint32(2 * rate * seconds))
	for i := range rate * seconds {
		le(int16(8000 * math.Sin(2*math.Pi*300*float64(i)/rate)))
	}
	return b.Bytes()
}
