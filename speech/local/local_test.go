package local_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"ivr/speech/local"
	"ivr/speech/models"
)

// opened are the engines that tests share: loading takes a second.
var opened sync.Map // local.Options as text, to func() (*local.Engines, error)

// engines opens the models of this machine; without them the test is skipped.
func engines(t *testing.T, o local.Options) *local.Engines {
	t.Helper()
	open, _ := opened.LoadOrStore(fmt.Sprint(o), sync.OnceValues(func() (*local.Engines, error) {
		set, err := models.Open("")
		if err != nil {
			return nil, err
		}
		return local.Open(set, o)
	}))
	e, err := open.(func() (*local.Engines, error))()
	var incomplete *models.FolderError
	if errors.As(err, &incomplete) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEnginesCanBeClosed(t *testing.T) {
	set, err := models.Open("")
	if err != nil {
		t.Skip(err)
	}
	e, err := local.Open(set, local.Options{Recogniser: "moonshine-tiny", Voice: "alan"})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestWhatTheVoiceSaysTheRecogniserUnderstands(t *testing.T) {
	for _, o := range []local.Options{{Recogniser: "moonshine-tiny", Voice: ""}, {Recogniser: "moonshine-base", Voice: "alan"}} {
		e := engines(t, o)
		pcm, err := e.Voice.Speak(t.Context(), "What are your opening hours on Saturday?")
		if err != nil {
			t.Fatal(err)
		}
		heard, err := e.Recogniser.Recognise(t.Context(), pcm)
		if err != nil {
			t.Fatal(err)
		}
		if want := "opening hours on saturday"; !strings.Contains(strings.ToLower(heard.Text), want) {
			t.Errorf("%+v: recognised %q", o, heard.Text)
		}
		if n := len(heard.Pooled); n != 2*288 && n != 2*416 {
			t.Errorf("%+v: %d pooled numbers", o, n)
		}
	}
}

func TestSpokenPromptsAreTrimmedAndLevelled(t *testing.T) {
	e := engines(t, local.Options{Recogniser: "moonshine-tiny"})
	pcm, err := e.Voice.Speak(t.Context(), "Good morning.")
	if err != nil {
		t.Fatal(err)
	}
	if lead := firstLoud(pcm); lead > 1300 {
		t.Errorf("%d samples of silence before the first sound, want at most 80 ms", lead)
	}
	var squares float64
	var peak int16
	for _, s := range pcm {
		squares += float64(s) * float64(s)
		peak = max(peak, s, -s)
	}
	if rms := math.Sqrt(squares / float64(len(pcm))); rms < 1000 || rms > 6000 || peak > 29600 {
		t.Errorf("level %v, peak %v", rms, peak)
	}
}

func firstLoud(pcm []int16) int {
	for i, s := range pcm {
		if s > 270 || s < -270 {
			return i
		}
	}
	return len(pcm)
}

func TestTextWithNothingToSayIsSilenceOfNoLength(t *testing.T) {
	e := engines(t, local.Options{Recogniser: "moonshine-tiny"})
	for _, text := range []string{"", "...", "\x00\xff", "😀 <>"} {
		if pcm, err := e.Voice.Speak(t.Context(), text); err != nil || len(pcm) != 0 {
			t.Errorf("%q: %d samples, %v", text, len(pcm), err)
		}
	}
}

func TestSilenceAndNoiseAndTheShortestClipsGiveNoWordsAndNoError(t *testing.T) {
	e := engines(t, local.Options{Recogniser: "moonshine-tiny"})
	for _, n := range []int{0, 1, 100, 3200, 16000} {
		heard, err := e.Recogniser.Recognise(t.Context(), make([]int16, n))
		if err != nil {
			t.Errorf("%d samples: %v", n, err)
		}
		if words := strings.Fields(heard.Text); len(words) > 8 {
			t.Errorf("%d samples of silence became %q", n, heard.Text)
		}
	}
}

func TestARecognitionEndsWithItsContext(t *testing.T) {
	e := engines(t, local.Options{Recogniser: "moonshine-tiny"})
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the caller left")
	cancel(gone)
	if _, err := e.Recogniser.Recognise(ctx, make([]int16, 16000)); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	if _, err := e.Voice.Speak(ctx, "Hello."); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestEnginesServeSeveralCallsAtOnce(t *testing.T) {
	e := engines(t, local.Options{Recogniser: "moonshine-tiny"})
	var wg sync.WaitGroup
	for _, text := range []string{"Where is my parcel?", "I would like to speak to a person.", "What does it cost?"} {
		wg.Go(func() {
			for range 2 {
				pcm, err := e.Voice.Speak(t.Context(), text)
				if err != nil {
					t.Error(err)
					return
				}
				heard, err := e.Recogniser.Recognise(t.Context(), pcm)
				if err != nil || heard.Text == "" {
					t.Errorf("%q: heard %q, %v", text, heard.Text, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestVoiceActivityTellsSpeechFromSilence(t *testing.T) {
	e := engines(t, local.Options{Recogniser: "moonshine-tiny"})
	pcm, err := e.Voice.Speak(t.Context(), "Could you tell me where my parcel is?")
	if err != nil {
		t.Fatal(err)
	}
	vad, err := e.NewVAD()
	if err != nil {
		t.Fatal(err)
	}
	if p := highest(t, vad.Speech, make([]int16, 32000)); p > 0.3 {
		t.Errorf("silence is speech with probability %.2f", p)
	}
	if p := highest(t, vad.Speech, pcm); p < 0.9 {
		t.Errorf("speech is speech with probability %.2f", p)
	}
	vad.Reset()
	if p := highest(t, vad.Speech, make([]int16, 8000)); p > 0.3 {
		t.Errorf("silence after a reset is speech with probability %.2f", p)
	}
	if _, err := vad.Speech(make([]int16, 320)); err == nil {
		t.Error("a window of another length is not refused")
	}
}

func highest(t *testing.T, speech func([]int16) (float32, error), pcm []int16) (most float32) {
	t.Helper()
	for ; len(pcm) >= 512; pcm = pcm[512:] {
		p, err := speech(pcm[:512])
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, p)
	}
	return most
}

func TestUnknownEnginesAreNamedWithTheChoices(t *testing.T) {
	for _, o := range []local.Options{{Recogniser: "whisper"}, {Voice: "bob"}} {
		if _, err := local.Open(new(models.Set), o); err == nil || !strings.Contains(err.Error(), "choose") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
