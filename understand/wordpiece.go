package understand

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Ids of BERT's vocabulary with a meaning of their own.
const (
	unknownID = 100
	startID   = 101
	endID     = 102
)

// Limits of what the model was trained on.
const (
	mostTokens     = 128
	mostWordLetter = 100 // a longer word is unknown
)

// wordpiece cuts a sentence into the pieces of BERT's uncased vocabulary: the longest piece first (Devlin et al. 2019).
type wordpiece struct{ ids map[string]int64 }

// readWordpiece reads the vocabulary out of a tokenizer.json.
func readWordpiece(path string) (*wordpiece, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("understand: the vocabulary: %w", err)
	}
	var file struct {
		Model struct {
			Type  string           `json:"type"`
			Vocab map[string]int64 `json:"vocab"`
		} `json:"model"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("understand: %s: %w", path, err)
	}
	if file.Model.Type != "WordPiece" || file.Model.Vocab["[CLS]"] != startID || file.Model.Vocab["[SEP]"] != endID {
		return nil, fmt.Errorf("understand: %s is not the WordPiece vocabulary of BERT", path)
	}
	return &wordpiece{file.Model.Vocab}, nil
}

// tokens are the ids of a sentence between the marks of its start and end.
func (w *wordpiece) tokens(sentence string) []int64 {
	ids := []int64{startID}
	for _, word := range basicTokens(sentence) {
		if ids = w.pieces(ids, word); len(ids) >= mostTokens {
			ids = ids[:mostTokens-1]
			break
		}
	}
	return append(ids, endID)
}

// pieces appends the ids of a word.
func (w *wordpiece) pieces(ids []int64, word string) []int64 {
	if utf8.RuneCountInString(word) > mostWordLetter {
		return append(ids, unknownID)
	}
	before := len(ids)
	for rest, prefix := word, ""; rest != ""; prefix = "##" {
		end := len(rest)
		id, found := w.ids[prefix+rest]
		for !found && end > 0 {
			_, size := utf8.DecodeLastRuneInString(rest[:end])
			end -= size
			id, found = w.ids[prefix+rest[:end]]
		}
		if end == 0 {
			return append(ids[:before], unknownID)
		}
		ids, rest = append(ids, id), rest[end:]
	}
	return ids
}

// basicTokens are the words and marks of a sentence in lower case, without accents.
func basicTokens(sentence string) []string {
	var b strings.Builder
	for _, r := range strings.ToLower(sentence) {
		switch {
		case r == 0 || r == utf8.RuneError || unicode.Is(unicode.Mn, r):
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
		case isMark(r) || unicode.Is(unicode.Han, r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(bareLetter(r))
		}
	}
	return strings.Fields(b.String())
}

// isMark reports what BERT takes for punctuation: all of ASCII that is neither letter, digit nor space, and Unicode's.
func isMark(r rune) bool {
	return r < unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.IsPunct(r)
}

// bareLetter takes the accent off a letter of Latin-1, the only ones an English recogniser writes.
func bareLetter(r rune) rune {
	const accented, bare = "àáâãäåçèéêëìíîïñòóôõöùúûüýÿ", "aaaaaaceeeeiiiinooooouuuuyy"
	if r < 0x80 {
		return r
	}
	at := 0
	for _, a := range accented {
		if a == r {
			return rune(bare[at])
		}
		at++
	}
	return r
}
