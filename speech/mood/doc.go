// Package mood judges how angry a caller is, utterance after utterance, by two witnesses, and says in words why.
//
// How it is said: a logistic regression on the recogniser's own encoding, pooled over the utterance, together with pitch, pace,
// spread of loudness and sharpness of the voice. None of it depends on how loud the line is. It tells well for the voices it was
// trained on and worse for strangers, in another language and about other things; so it is measured against the caller's own
// first utterances as soon as there are some, and one utterance is never enough by itself.
//
// What is said: a lexicon of phrases with weights, which may be enough at once, and a regression on words and pieces of words.
//
// Each witness speaks in log-odds, which add up; what it may say at most is bounded by how far it can be trusted. How the call
// goes is the third witness: package dialog knows it, and decides what follows from all three.
//
// The package is pure: no clock, no goroutines, no files but those embedded. The regressions are trained by `ivr train anger`;
// docs/mood.md says on what, and how well they do.
package mood
