package local_test

import (
	"slices"
	"testing"

	"ivr/speech/local"
)

func TestASteadyVoiceSaysTheSameTextTheSameWay(t *testing.T) {
	e := engines(t, local.Options{Steady: true})
	first, err := e.Voice.Speak(t.Context(), "where is my parcel")
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Voice.Speak(t.Context(), "where is my parcel")
	if err != nil || !slices.Equal(first, again) {
		t.Errorf("%d and %d samples differ, %v", len(first), len(again), err)
	}
}
