// Package understand learns what callers want from example sentences: a sentence embedding (all-MiniLM-L6-v2), joined with the words,
// pieces of words and sounds it is made of, a trained boundary over both, and a score that is a probability. That a sentence asks for
// nothing the bot knows is a result like any other: the threshold comes from the examples alone.
//
// [Open] loads the encoder once for all bots, about 60 MB; [Engine.Learn] gives a bot its [Classifier], which judges a sentence in a few
// milliseconds on one thread. Nothing here is needed to run a bot: without the model, package dialog understands by words alone.
// [Engine.Evaluate] measures. Goroutines run only while something is learnt.
package understand
