package clips_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ivr/dialog"
	"ivr/speech/local"
	"ivr/speech/models"
	"ivr/testaudio"
	"ivr/testaudio/clips"
)

func all(t *testing.T) []clips.Clip {
	t.Helper()
	list, err := clips.All()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEveryFileIsInTheManifest(t *testing.T) {
	have, _ := filepath.Glob("*.wav")
	var listed []string
	for _, c := range all(t) {
		listed = append(listed, c.File)
	}
	slices.Sort(listed)
	if !slices.Equal(have, listed) {
		t.Errorf("files %v, manifest %v", have, listed)
	}
}

func TestTheCouriersBotTakesTheWordsAsTheManifestSays(t *testing.T) {
	bot, err := dialog.Load("../../examples/courier/courier.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all(t) {
		if c.Intent == "" || c.Mood == "angry" {
			continue // the angry are handed over whatever they want
		}
		if u := bot.Understand(c.Text); !u.Act || u.Intent != c.Intent {
			t.Errorf("%q is understood as %+v, want %s", c.Text, u, c.Intent)
		}
	}
}

// What the recogniser makes of the clips is what is said in them, but for a few words; tones are the keys.
func TestTheClipsSayWhatTheManifestSays(t *testing.T) {
	set, err := models.Open("")
	var incomplete *models.FolderError
	if errors.As(err, &incomplete) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	e, err := local.Open(set, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	said, missed := 0, 0
	for _, c := range all(t) {
		pcm, err := c.PCM()
		if err != nil {
			t.Fatal(err)
		}
		if keys := testaudio.Heard(pcm).Keys(); keys != c.Keys {
			t.Errorf("%s: keys %q, want %q", c.File, keys, c.Keys)
		}
		if c.Text == "" {
			continue
		}
		got, err := e.Recogniser.Recognise(t.Context(), pcm)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.Fields(c.Text) {
			said++
			if !testaudio.Says(got.Text, word) {
				missed++
				t.Logf("%s: %q heard in place of %q", c.File, got.Text, c.Text)
			}
		}
	}
	if missed*20 > said {
		t.Errorf("%d of %d words are not heard", missed, said)
	}
}
