package appnode

import "strings"

// ParsePage reads what a person sees on the page of / and /index.jsp: the node's
// name and the session's id. ok is false for anything but that page.
func ParsePage(body string) (node, session string, ok bool) {
	title, rest, ok := between(body, "<title>test.", "</title>")
	if !ok {
		return "", "", false
	}
	_, rest, ok = strings.Cut(rest, "<td>Session ID</td>")
	if !ok {
		return "", "", false
	}
	session, _, ok = between(rest, "<td>", "</td>")
	return title, session, ok
}

// between is what stands between two marks, and what follows.
func between(text, before, after string) (inside, rest string, ok bool) {
	if _, text, ok = strings.Cut(text, before); !ok {
		return "", "", false
	}
	return strings.Cut(text, after)
}
