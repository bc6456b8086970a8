// Package understand learns what callers want from example sentences: a sentence embedding (all-MiniLM-L6-v2), joined with the
// words and pieces of words it is made of, a trained boundary over both, and a score that is a probability. That a sentence
// asks for nothing the bot knows is a result like any other.
//
// [Open] loads the encoder; [Engine.Trainer] gives a bot its classifier. Nothing here is needed to run a bot: without the
// model, package dialog understands by words alone.
package understand
