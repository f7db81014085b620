package loopback

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// readAnswer is the world.AnswerReader of a client that says nothing of its own.
// Interim answers are passed over.
func readAnswer(br *bufio.Reader, req *http.Request) (*http.Response, error) {
	for {
		if bare, err := lacksHead(br); err != nil {
			return nil, err
		} else if bare {
			return withoutHead(br, req), nil
		}
		resp, err := http.ReadResponse(br, req)
		if err != nil {
			return nil, err
		}
		for name := range resp.Header {
			if strings.ContainsAny(name, " \t") {
				return nil, fmt.Errorf("header name %.40q", name)
			}
		}
		if resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
}

// lacksHead reports whether what comes does not begin with a status line.
func lacksHead(br *bufio.Reader) (bool, error) {
	const begin = "HTTP/"
	for n := 1; n <= len(begin); n++ {
		p, err := br.Peek(n)
		switch {
		case err != nil:
			return false, err
		case string(p) != begin[:n]:
			return true, nil
		}
	}
	return false, nil
}

// withoutHead is an answer of HTTP/0.9.
func withoutHead(br *bufio.Reader, req *http.Request) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/0.9", ProtoMajor: 0, ProtoMinor: 9,
		Header: http.Header{}, Body: io.NopCloser(br), ContentLength: -1, Close: true, Request: req,
	}
}
