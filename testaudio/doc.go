// Package testaudio has all that a test, or `ivr call`, needs to be the world around a bot: people who call and people who
// answer, what they say, the lines they say it over, and ears to check what came back.
//
// Audio is mono 16-bit PCM at 16 kHz throughout, as everywhere inside the process. Files of any rate become that in [ReadWAV].
// Damage, noise and tones are made from a seed: the same seed gives the same samples, on every machine.
//
// A [Person] speaks, listens and presses keys on one leg, in real time; a [Talk] is the script of a conversation, and
// [Perform] plays it with one caller and any number of seats. The engines that speak and recognise, and the transport that
// dials, are given as functions: nothing here knows SIP or a model. Goroutines run only inside the calls that say so.
package testaudio
