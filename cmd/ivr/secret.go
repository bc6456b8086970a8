package main

import (
	"encoding"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// secret is a password as the configuration has it: itself, "env:NAME" or "file:PATH". It is never printed.
type secret string

func (s secret) String() string { return "(secret)" }

// GoString prints nothing of it either.
func (s secret) GoString() string { return s.String() }

// MarshalText keeps it out of JSON.
func (s secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// literal says whether the configuration has the password itself.
func (s secret) literal() bool {
	return s != "" && !strings.HasPrefix(string(s), "env:") && !strings.HasPrefix(string(s), "file:")
}

// reveal returns the password; paths are relative to folder.
func (s secret) reveal(folder string) (string, error) {
	if name, ok := strings.CutPrefix(string(s), "env:"); ok {
		value := os.Getenv(name)
		if value == "" {
			return "", fmt.Errorf("the environment has no %s", name)
		}
		return value, nil
	}
	path, ok := strings.CutPrefix(string(s), "file:")
	if !ok {
		return string(s), nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("the password cannot be read: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("the first line of %s is empty", path)
	}
	return line, nil
}

// interval is a duration that can be off.
type interval time.Duration

// never is the interval "off".
const never = interval(-1)

var _ encoding.TextUnmarshaler = (*interval)(nil)

// UnmarshalText reads "30s" or "off".
func (i *interval) UnmarshalText(text []byte) error {
	if string(text) == "off" || string(text) == "false" {
		*i = never
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < time.Second {
		return fmt.Errorf("want a duration of a second or more, or off, got %q", text)
	}
	*i = interval(d)
	return nil
}
