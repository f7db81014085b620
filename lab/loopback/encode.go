package loopback

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sessionlab/lab/world"
)

// outgoing is a request on its way: its head and the beginning of its body as
// bytes, and where the rest of the body comes from.
type outgoing struct {
	frame   []byte
	rest    io.Reader // nil if all of it is in frame
	left    int64     // how much rest has, unless it is chunked
	chunked bool
}

// encode is a request as bytes. Nothing is added that the caller did not ask
// for, except Host and the framing; the target leaves as it is written.
func encode(req *http.Request) (*outgoing, error) {
	target, host := req.RequestURI, req.Host
	if target == "" {
		target = req.URL.RequestURI()
	}
	if host == "" {
		host = req.URL.Host
	}
	method, proto := req.Method, "HTTP/1.1"
	if method == "" {
		method = http.MethodGet
	}
	if req.Proto == "HTTP/1.0" {
		proto = req.Proto
	}
	for _, word := range []string{method, target, host} {
		if strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("%q has a blank or a control character", word)
		}
	}
	body, whole, err := beginBody(req, proto)
	if err != nil {
		return nil, err
	}
	known := req.ContentLength > 0
	o := &outgoing{}
	if !whole {
		o.rest, o.left = req.Body, req.ContentLength-int64(len(body))
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s %s\r\nHost: %s\r\n", method, target, proto, host)
	if agent := req.Header["User-Agent"]; len(agent) > 0 && agent[0] != "" {
		fmt.Fprintf(&out, "User-Agent: %s\r\n", agent[0])
	}
	if req.Close && !hasToken(req.Header, "Connection", "close") {
		out.WriteString("Connection: close\r\n")
	}
	switch {
	case len(body) > 0 && !known && proto == "HTTP/1.1": // there are no chunks in HTTP/1.0
		o.chunked = true
		out.WriteString("Transfer-Encoding: chunked\r\n")
	case !whole:
		fmt.Fprintf(&out, "Content-Length: %d\r\n", req.ContentLength)
	case len(body) > 0, method == http.MethodPost, method == http.MethodPut, method == http.MethodPatch:
		fmt.Fprintf(&out, "Content-Length: %d\r\n", len(body))
	}
	writeHeader(&out, req.Header, "Host", "User-Agent", "Content-Length", "Transfer-Encoding", "Trailer")
	out.WriteString("\r\n")
	if o.chunked {
		appendChunk(&out, body)
		if whole {
			appendChunk(&out, nil)
		}
	} else {
		out.Write(body)
	}
	o.frame = out.Bytes()
	return o, nil
}

// appendChunk writes a chunk; one without bytes is the last.
func appendChunk(out *bytes.Buffer, p []byte) {
	fmt.Fprintf(out, "%x\r\n%s\r\n", len(p), p)
}

// beginBody reads what of a request's body is sent with its head: a window of it
// at most, but all of one whose length must be told and is not known.
func beginBody(req *http.Request, proto string) (body []byte, whole bool, err error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, true, nil
	}
	if req.ContentLength <= 0 {
		if proto == "HTTP/1.0" {
			body, err = io.ReadAll(req.Body)
			return body, true, err
		}
		body, err = io.ReadAll(io.LimitReader(req.Body, world.BodyWindow))
		return body, err == nil && len(body) < world.BodyWindow, err
	}
	body = make([]byte, min(req.ContentLength, world.BodyWindow))
	if n, err := io.ReadFull(req.Body, body); err != nil {
		return nil, true, shortBody(int64(n), req)
	}
	if int64(len(body)) < req.ContentLength {
		return body, false, nil
	}
	return body, true, endOfBody(req.Body, req)
}

func shortBody(n int64, req *http.Request) error {
	return fmt.Errorf("body of %d bytes, Content-Length %d: %w", n, req.ContentLength, io.ErrUnexpectedEOF)
}

// endOfBody refuses a body that is longer than it was announced.
func endOfBody(body io.Reader, req *http.Request) error {
	if n, _ := io.ReadFull(body, make([]byte, 1)); n > 0 {
		return errors.New("body longer than Content-Length " + strconv.FormatInt(req.ContentLength, 10))
	}
	return nil
}

// blockSize is how much of the rest of a body is sent at once.
const blockSize = 32 << 10

// next is what is to be sent behind the frame, nil at the end. It is valid until
// the next call.
func (o *outgoing) next(req *http.Request, room *bytes.Buffer) ([]byte, error) {
	if o.rest == nil {
		return nil, nil
	}
	room.Reset()
	if o.chunked {
		block, err := io.ReadAll(io.LimitReader(o.rest, blockSize))
		if len(block) > 0 {
			appendChunk(room, block)
		}
		if len(block) < blockSize {
			o.rest = nil
			appendChunk(room, nil)
		}
		return room.Bytes(), err
	}
	n, err := io.Copy(room, io.LimitReader(o.rest, min(o.left, blockSize)))
	o.left -= n
	switch {
	case err != nil:
		return nil, err
	case o.left == 0:
		err, o.rest = endOfBody(o.rest, req), nil
	case n == 0:
		err = shortBody(req.ContentLength-o.left, req)
	}
	return room.Bytes(), err
}

// writeHeader writes the lines of a header in the order of their names, but
// those left out. A line break in a value is a blank.
func writeHeader(out *bytes.Buffer, h http.Header, without ...string) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if name == "" || strings.ContainsAny(name, "\r\n:") || slices.Contains(without, name) {
			continue
		}
		for _, v := range h[name] {
			out.WriteString(name)
			out.WriteString(": ")
			out.WriteString(lineBreaks.Replace(v))
			out.WriteString("\r\n")
		}
	}
}

var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ")
