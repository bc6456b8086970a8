package speech

import (
	"runtime"
	"syscall"
)

// niceness of threads that recognise and speak: they get a third of a core that the 20 ms clock also wants, and all of an idle one.
const niceness = 5

// giveWay lets the thread of this goroutine give way to the clock and to signalling. The thread ends with the goroutine: nobody
// else inherits its priority. On Linux a priority belongs to one thread (setpriority(2), C library/kernel differences).
func giveWay() {
	runtime.LockOSThread()
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness) // without it all is only less smooth under load
}
