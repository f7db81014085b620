package appnode

import "bytes"

// ParsePage reads what a person sees on the page of / and /index.jsp: the node's
// name and the session's id, as parts of body. ok is false for anything but that
// page.
func ParsePage(body []byte) (node, session []byte, ok bool) {
	title, rest, ok := between(body, "<title>test.", "</title>")
	if !ok {
		return nil, nil, false
	}
	_, rest, ok = bytes.Cut(rest, []byte("<td>Session ID</td>"))
	if !ok {
		return nil, nil, false
	}
	session, _, ok = between(rest, "<td>", "</td>")
	return title, session, ok
}

// between is what stands between two marks, and what follows.
func between(text []byte, before, after string) (inside, rest []byte, ok bool) {
	if _, text, ok = bytes.Cut(text, []byte(before)); !ok {
		return nil, nil, false
	}
	return bytes.Cut(text, []byte(after))
}
