package local

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// StartRuntime starts onnxruntime, which a process has once. Who runs a model of their own calls it first.
func StartRuntime() error { return startRuntime() }

// startRuntime starts onnxruntime once for the process; it lives as long as the process.
var startRuntime = sync.OnceValue(func() error {
	library, err := loadedLibrary("/proc/self/maps", "libonnxruntime.so")
	if err != nil {
		return err
	}
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return fmt.Errorf("local: starting onnxruntime: %w", err)
	}
	return nil
})

// loadedLibrary finds the path of a shared library that the linker has already loaded into the process: the voice engine is
// linked with it. Loading the same path again gives the same library, so that there is one runtime and no path of a build
// machine is written anywhere.
func loadedLibrary(maps, name string) (string, error) {
	data, err := os.ReadFile(maps)
	if err != nil {
		return "", fmt.Errorf("local: looking for %s: %w", name, err)
	}
	for line := range strings.Lines(string(data)) {
		if i := strings.IndexByte(line, '/'); i >= 0 {
			if path := strings.TrimSpace(line[i:]); strings.HasPrefix(path[strings.LastIndexByte(path, '/')+1:], name) {
				return path, nil
			}
		}
	}
	return "", errors.New("local: " + name + " is not loaded: was the program linked against it?")
}

// model is one ONNX graph, loaded. Run may be called from several goroutines at once.
type model struct {
	session *ort.DynamicAdvancedSession
	in, out []ort.InputOutputInfo
}

func loadModel(path string) (*model, error) {
	in, out, err := ort.GetInputOutputInfo(path)
	if err != nil {
		return nil, fmt.Errorf("local: %s: %w", path, err)
	}
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	defer options.Destroy()
	if err := errors.Join(options.SetIntraOpNumThreads(1), options.SetInterOpNumThreads(1)); err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	session, err := ort.NewDynamicAdvancedSession(path, names(in), names(out), options)
	if err != nil {
		return nil, fmt.Errorf("local: loading %s: %w", path, err)
	}
	return &model{session: session, in: in, out: out}, nil
}

func names(infos []ort.InputOutputInfo) []string {
	list := make([]string, len(infos))
	for i, info := range infos {
		list[i] = info.Name
	}
	return list
}

func (m *model) close() error { return m.session.Destroy() }

// destroy frees tensors; nil ones are skipped.
func destroy(values []ort.Value) {
	for _, v := range values {
		if v != nil {
			v.Destroy()
		}
	}
}
