package speech

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
)

// promptStore keeps the audio of fixed prompts in a folder, a file each, named by voice and text.
type promptStore struct{ dir, voice string }

// storeMagic begins each file. It changes when the same text of the same voice would sound different.
const storeMagic = "ivrprom1"

// path of a prompt; "" when nothing is kept.
func (s promptStore) path(text string) string {
	if s.dir == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(s.voice + "\x00" + text))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+".pcm")
}

// read returns what write kept; a file that is missing, cut short or of another kind is none.
func (s promptStore) read(text string) (pcm []int16, ok bool) {
	path := s.path(text)
	if path == "" {
		return nil, false
	}
	data, err := os.ReadFile(path)
	const header = len(storeMagic) + 4
	if err != nil || len(data) < header || len(data)%2 != 0 || string(data[:len(storeMagic)]) != storeMagic {
		return nil, false
	}
	if crc32.ChecksumIEEE(data[header:]) != binary.LittleEndian.Uint32(data[len(storeMagic):]) {
		return nil, false
	}
	data = data[header:]
	pcm = make([]int16, len(data)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
	}
	return pcm, true
}

// write keeps a prompt. Another start may write the same at the same time: the file is put in place whole.
func (s promptStore) write(text string, pcm []int16) error {
	path := s.path(text)
	if path == "" {
		return nil
	}
	audio := make([]byte, 0, 2*len(pcm))
	for _, v := range pcm {
		audio = binary.LittleEndian.AppendUint16(audio, uint16(v))
	}
	data := binary.LittleEndian.AppendUint32([]byte(storeMagic), crc32.ChecksumIEEE(audio))
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(s.dir, "prompt-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(data, audio...))
	if err := errors.Join(err, tmp.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return os.Rename(tmp.Name(), path)
}
