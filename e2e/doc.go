// Package e2e has the tests that need real time: real processes, real sockets, real speech, and the recordings listened to on
// both ends. They run with: go test -tags e2e ./e2e
package e2e
