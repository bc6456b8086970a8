package media

import (
	"errors"
	"testing"
)

// smallDisk takes so many octets.
type smallDisk struct {
	data []byte
	most int
}

var errFull = errors.New("full")

func (d *smallDisk) WriteAt(b []byte, at int64) (int, error) {
	if need := int(at) + len(b); need > len(d.data) {
		if need > d.most {
			return 0, errFull
		}
		d.data = append(d.data, make([]byte, need-len(d.data))...)
	}
	return copy(d.data[at:], b), nil
}

func TestWhatWasWrittenBeforeTheDiskWasFullCanBePlayed(t *testing.T) {
	d := &smallDisk{most: 300000}
	w := wavFile{to: d}
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	b := &block{pcm: make([]int16, blockFrames*2*FrameSamples), missing: 30}
	n := 0
	var err error
	for ; err == nil; n++ {
		err = w.write(b)
	}
	if !errors.Is(err, errFull) || n != 3 {
		t.Fatalf("block %d: %v", n, err)
	}
	const second = SampleRate * 4
	if want := 2*second + 2*30*FrameSamples*4; w.size != want+30*FrameSamples*4 || sizeIn(d.data, 40) != want || sizeIn(d.data, 4) != want+36 {
		t.Errorf("%d octets were written, the header says %d and %d of %d", w.size, sizeIn(d.data, 40), sizeIn(d.data, 4), want)
	}
}

func sizeIn(b []byte, at int) int {
	return int(b[at]) | int(b[at+1])<<8 | int(b[at+2])<<16 | int(b[at+3])<<24
}

func TestWhatTheDiskIsTooSlowForIsSilentAndTheRestAtItsTime(t *testing.T) {
	r, d := NewRecorder(""), &smallDisk{most: 1 << 24}
	w := wavFile{to: d}
	var loud Frame
	for i := range loud {
		loud[i] = 1000
	}
	hand := func(frames int) {
		for range frames {
			r.add(&loud, &loud)
		}
	}
	hand(7 * blockFrames) // two seconds more than may wait
	for b := r.take(nil, false); b != nil; b = r.take(b, false) {
		if err := w.write(b); err != nil {
			t.Fatal(err)
		}
	}
	hand(blockFrames)
	for b := r.take(nil, true); b != nil; b = r.take(b, true) {
		if err := w.write(b); err != nil {
			t.Fatal(err)
		}
	}
	const second = SampleRate * 4
	if r.Dropped() != 2*blockFrames || w.size != 8*second {
		t.Errorf("%d frames dropped, %d octets of eight seconds", r.Dropped(), w.size)
	}
	for i, want := range []byte{1, 1, 1, 1, 1, 0, 0, 1} {
		if got := d.data[wavHeader+i*second+second/2] | d.data[wavHeader+i*second+second/2+1]; (got != 0) != (want != 0) {
			t.Errorf("second %d holds %d", i, got)
		}
	}
}
