package sip

import (
	"net/netip"
	"strconv"
	"strings"
)

// isToken says whether s is a token (RFC 3261, 25.1).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-.!%*_+`'~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// isHostPort says whether s is "host", "host:port" or "[address]:port".
func isHostPort(s string) bool {
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return false
		}
		if addr, err := netip.ParseAddr(s[1:end]); err != nil || !addr.Is6() {
			return false
		}
		host, port = "v6", s[end+1:]
		if port != "" && port[0] != ':' {
			return false
		}
		port = strings.TrimPrefix(port, ":")
		if port == "" && end+1 < len(s) {
			return false
		}
	} else if h, p, found := strings.Cut(s, ":"); found {
		if host, port = h, p; p == "" {
			return false
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); port != "" && err != nil {
		return false
	}
	for i := range len(host) {
		c := host[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return host != ""
}

// checkURI looks at a URI; of one that is no SIP URI only that nothing in it breaks the line.
func checkURI(uri string) *fault {
	scheme, rest, found := strings.Cut(uri, ":")
	if !found || scheme == "" || strings.ContainsAny(uri, " \t<>\"") {
		return bad("URI %q", clip(uri))
	}
	if s := strings.ToLower(scheme); s != "sip" && s != "sips" {
		return nil
	}
	at := strings.LastIndexByte(rest, '@') // the user part may hold ; and ?
	if at == 0 {
		return bad("URI %q", clip(uri))
	}
	host := rest[at+1:]
	if end := strings.IndexAny(host, ";?"); end >= 0 {
		host = host[:end]
	}
	if !isHostPort(host) {
		return bad("URI %q", clip(uri))
	}
	return nil
}

// checkAddresses looks at the value of From and To, and at the list that Contact is.
func checkAddresses(value string, list bool) *fault {
	if list && value == "*" {
		return nil
	}
	all := []string{value}
	if list {
		all = splitList(value)
	}
	for _, a := range all {
		open, end, ok := angles(a)
		if !ok {
			return bad("address %q", clip(a))
		}
		uri := ""
		if open >= 0 {
			uri = a[open+1 : end]
		} else if uri, _, _ = strings.Cut(a, ";"); strings.ContainsAny(uri, "?,") {
			return bad("address %q needs <>", clip(a)) // RFC 3261, 20
		}
		if f := checkURI(uri); f != nil {
			return f
		}
	}
	return nil
}

// angles finds < and > outside of quotes; -1: there are none. Not ok: a quote or a bracket is left open.
func angles(s string) (open, end int, ok bool) {
	open, end = -1, -1
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && open < 0 || c == '"' && end >= 0:
			quoted = !quoted
		case quoted:
		case c == '<' && open < 0:
			open = i
		case c == '>' && open >= 0 && end < 0:
			end = i
		}
	}
	return open, end, !quoted && (open < 0) == (end < 0)
}

// splitList cuts at commas that are neither quoted nor in brackets.
func splitList(s string) []string {
	var parts []string
	from, quoted, depth := 0, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && depth == 0:
			quoted = !quoted
		case quoted:
		case c == '<':
			depth = 1
		case c == '>':
			depth = 0
		case c == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(s[from:]))
}

// squeeze removes the spaces around separators, and the upper case of parameter names, outside of quotes and brackets; other runs of
// spaces become one.
func squeeze(s, separators string) string {
	var b strings.Builder
	quoted, depth := false, 0
	name := -1 // where in b a parameter name begins
	for i := 0; i < len(s); i++ {
		c := s[i]
		if quoted || depth > 0 {
			b.WriteByte(c)
			switch {
			case quoted && c == '\\' && i+1 < len(s):
				i++
				b.WriteByte(s[i])
			case quoted && c == '"':
				quoted = false
			case depth > 0 && c == '>':
				depth = 0
			}
			continue
		}
		switch {
		case c == ' ' || c == '\t':
			next := strings.TrimLeft(s[i:], " \t")
			last := byte(';')
			if t := b.String(); t != "" {
				last = t[len(t)-1]
			}
			if next != "" && strings.IndexByte(separators, next[0]) < 0 && strings.IndexByte(separators, last) < 0 && last != ' ' {
				b.WriteByte(' ')
			}
			continue
		case c == '"':
			quoted = true
		case c == '<':
			depth = 1
		case c == ';':
			name = b.Len() + 1
		case c == '=' || c == ',':
			name = -1
		case name >= 0 && c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// clip keeps what strangers send short.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
