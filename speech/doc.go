// Package speech hears and speaks: audio in, [Utterance]s out; text in, prompts out.
//
// The engines stand behind three small interfaces, [Recogniser], [Voice] and [VAD]; ivr/speech/local has the offline ones.
// An [Ears] listens to one leg: it cuts the audio into utterances and sends each to the [Pool], which recognises one
// utterance a worker and refuses, with an error, what waited too long. Nothing here runs on the 20 ms clock but copying.
package speech
