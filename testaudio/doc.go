// Package testaudio has labelled caller audio with its truth, tones, line damage, and a caller that drives real calls.
package testaudio
