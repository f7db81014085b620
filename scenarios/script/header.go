package script

import (
	"fmt"
	"strings"
)

// ofTheLab are header fields that a line cannot give, and what to do instead.
var ofTheLab = map[string]string{
	"cookie":            `write cookie="NAME=VALUE"`,
	"connection":        "the user's keepalive=no closes the connection",
	"keep-alive":        "the user's keepalive=no closes the connection",
	"content-length":    "a request of a script has no body",
	"transfer-encoding": "a request of a script has no body",
	"trailer":           "a request of a script has no body",
}

// readHeader checks a header line and gives it one blank behind the colon.
// Source: RFC 9110, 5.1 (names), 5.5 (values).
func readHeader(text string) (line, hint string, err error) {
	name, value, ok := strings.Cut(text, ":")
	if !ok {
		return "", "such as X-Real-IP: 10.0.0.9", fmt.Errorf("%q is no header line: it has no colon", text)
	}
	if i := strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r) }); i >= 0 || name == "" {
		return "", "letters, digits and hyphens stand before the colon, and no blank", fmt.Errorf("%q is no name of a header field", name)
	}
	if hint, ours := ofTheLab[strings.ToLower(name)]; ours {
		return "", hint, fmt.Errorf("%s cannot be given", name)
	}
	if strings.HasPrefix(strings.ToLower(name), "x-sessionlab-") {
		return "", "", fmt.Errorf("%s is the lab's own", name)
	}
	value = strings.Trim(value, " \t")
	if i := strings.IndexFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r >= 0x7f }); i >= 0 {
		return "", "", fmt.Errorf("a header cannot have the character %q", []rune(value[i:])[0])
	}
	return name + ": " + value, "", nil
}
