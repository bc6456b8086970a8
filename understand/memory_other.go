//go:build !linux

package understand

// giveBack is for C libraries that keep what they freed.
func giveBack() {}
