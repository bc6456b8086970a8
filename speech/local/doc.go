// Package local hears and speaks in this process, offline, on CPU cores: Silero VAD and the Moonshine recogniser through
// onnxruntime, Piper voices through sherpa-onnx, which brings the same onnxruntime library with it.
//
// Every engine runs on its caller's thread and uses one core: an utterance is not split over threads, more utterances at once
// are. How many at once is for the callers to bound ([ivr/speech.Pool] does). Nothing here starts a goroutine.
package local

// sampleRate of the one form of audio inside the process.
const sampleRate = 16000
