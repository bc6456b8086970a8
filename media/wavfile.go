package media

import (
	"encoding/binary"
	"io"
)

const wavHeader = 44 // octets before the samples

// wavFile is a stereo WAV that grows. Its header is true after every block: who loses power loses no recording. (The usual library
// writes the sizes when a file is closed.)
type wavFile struct {
	to   io.WriterAt
	size int    // octets of samples
	raw  []byte // of one block
}

// begin writes the header of an empty file.
func (w *wavFile) begin() error {
	const channels, width = 2, 2
	h := append(make([]byte, 0, wavHeader), "RIFF\x00\x00\x00\x00WAVEfmt "...)
	h = binary.LittleEndian.AppendUint32(h, 16)
	h = binary.LittleEndian.AppendUint16(h, 1) // PCM
	h = binary.LittleEndian.AppendUint16(h, channels)
	h = binary.LittleEndian.AppendUint32(h, SampleRate)
	h = binary.LittleEndian.AppendUint32(h, SampleRate*channels*width)
	h = binary.LittleEndian.AppendUint16(h, channels*width)
	h = binary.LittleEndian.AppendUint16(h, 8*width)
	h = append(h, "data\x00\x00\x00\x00"...)
	if _, err := w.to.WriteAt(h, 0); err != nil {
		return err
	}
	return w.seal()
}

// write adds a block, after silence for what is missing before it.
func (w *wavFile) write(b *block) error {
	for missing := b.missing; missing > 0; missing -= blockFrames {
		w.raw = append(w.raw[:0], make([]byte, 4*FrameSamples*min(missing, blockFrames))...)
		if err := w.add(); err != nil {
			return err
		}
	}
	w.raw = w.raw[:0]
	for _, x := range b.pcm {
		w.raw = binary.LittleEndian.AppendUint16(w.raw, uint16(x))
	}
	if err := w.add(); err != nil {
		return err
	}
	return w.seal()
}

func (w *wavFile) add() error {
	_, err := w.to.WriteAt(w.raw, int64(wavHeader+w.size))
	if err == nil {
		w.size += len(w.raw)
	}
	return err
}

// seal makes the header say how much there is.
func (w *wavFile) seal() error {
	var size [4]byte
	for _, field := range []struct{ at, value int }{{4, wavHeader - 8 + w.size}, {wavHeader - 4, w.size}} {
		binary.LittleEndian.PutUint32(size[:], uint32(field.value))
		if _, err := w.to.WriteAt(size[:], int64(field.at)); err != nil {
			return err
		}
	}
	return nil
}
