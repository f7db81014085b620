package wire

import (
	"bufio"
	"errors"
	"io"
	"math"

	"sessionlab/lab/world"
)

// chunkedBody is a body in chunks. What has arrived is read as far as there is
// room before any of it is given out: nothing that arrived together with a chunk
// that is none is a body.
type chunkedBody struct {
	in *bufio.Reader
	chunks
	room int64 // for further chunks; below 0: any
	// begins says that nothing of the chunk's data has come: whether there is room
	// for it is asked when it does, as by nginx.
	begins bool
	err    error
}

func (rules Rules) chunked(in *bufio.Reader) *chunkedBody {
	return &chunkedBody{in: in, chunks: chunks{strict: rules.StrictChunks}, room: -1}
}

// ErrTooLarge is the end of a body whose next chunk is larger than the limit
// allows.
var ErrTooLarge = errors.New("body too large")

// Limit makes reading end with ErrTooLarge where the data of a chunk begins that
// makes the body longer than n bytes.
//
// Source: nginx ngx_http_request_body.c, ngx_http_request_body_chunked_filter.
func (b *chunkedBody) Limit(n int64) { b.room = n }

func (b *chunkedBody) Close() error { return nil }

func (b *chunkedBody) Read(p []byte) (int, error) { return b.read(p, true) }

// Discard drops what has arrived.
func (b *chunkedBody) Discard() error {
	room := make([]byte, 1<<10)
	for b.err == nil && b.in.Buffered() > 0 {
		_, _ = b.read(room, false) // b.err is it
	}
	if b.err == io.EOF {
		return nil
	}
	return b.err
}

// read waits for something to read only if it is to wait.
func (b *chunkedBody) read(p []byte, wait bool) (n int, err error) {
	for b.err == nil && n < len(p) && (wait && n == 0 || b.in.Buffered() > 0) {
		if b.state == inData && b.begins {
			if _, err = b.in.Peek(1); err == nil {
				b.begins = false
				if b.room >= 0 {
					if b.room -= b.left; b.room < 0 {
						b.err = ErrTooLarge
						break
					}
				}
			}
		} else if b.state == inData {
			var m int
			m, err = b.in.Read(p[n:min(int64(len(p)), int64(n)+b.left)])
			n += m
			if b.left -= int64(m); b.left == 0 {
				b.state = afterData
			}
		} else {
			var c byte
			if c, err = b.in.ReadByte(); err == nil {
				err = b.step(c)
			}
			switch {
			case b.state == chunksEnd:
				b.err = io.EOF
			case b.state == inData:
				b.begins = true
			}
			if b.err != nil {
				break
			}
		}
		b.err = early(err)
	}
	if n == 0 || b.err == world.ErrBadChunk || b.err == ErrTooLarge {
		return 0, b.err
	}
	return n, nil
}

// chunks is how far the reading of chunks has come.
type chunks struct {
	state  chunkState
	strict bool  // Rules.StrictChunks: a line ends in CR LF
	left   int64 // of the chunk
}

type chunkState uint8

const (
	chunkStart chunkState = iota
	chunkSize
	chunkExtension
	chunkExtensionLF // comes next
	inData           // step is not to be called
	afterData
	afterDataLF
	lastExtension
	lastExtensionLF
	trailer
	trailerLF
	trailerLine
	trailerLineLF
	chunksEnd
)

// step reads the next byte that is not data.
//
// Source: nginx ngx_http_parse.c, ngx_http_parse_chunked.
func (k *chunks) step(c byte) error {
	switch k.state {
	case chunkStart:
		digit, ok := hexDigit(c)
		if !ok {
			return world.ErrBadChunk
		}
		k.left, k.state = digit, chunkSize
	case chunkSize:
		return k.stepSize(c)
	case chunkExtension:
		return k.skipTo(c, chunkExtensionLF, inData)
	case afterData:
		return k.endOfLine(c, afterDataLF, chunkStart)
	case lastExtension:
		return k.skipTo(c, lastExtensionLF, trailer)
	case trailer:
		if c != '\r' && c != '\n' {
			k.state = trailerLine
			return nil
		}
		return k.endOfLine(c, trailerLF, chunksEnd)
	case trailerLine:
		return k.skipTo(c, trailerLineLF, trailer)
	default: // an LF must come
		if c != '\n' {
			return world.ErrBadChunk
		}
		k.state = behindLF[k.state]
	}
	return nil
}

var behindLF = map[chunkState]chunkState{
	chunkExtensionLF: inData, afterDataLF: chunkStart, lastExtensionLF: trailer,
	trailerLF: chunksEnd, trailerLineLF: trailer,
}

func (k *chunks) stepSize(c byte) error {
	if k.left > math.MaxInt64/16 {
		return world.ErrBadChunk
	}
	if digit, ok := hexDigit(c); ok {
		k.left = k.left*16 + digit
		if k.left > math.MaxInt64-5 {
			return world.ErrBadChunk
		}
		return nil
	}
	extension, lf, behind := chunkExtension, chunkExtensionLF, inData
	if k.left == 0 {
		extension, lf, behind = lastExtension, lastExtensionLF, trailer
	}
	if c == ';' || c == ' ' || c == '\t' {
		k.state = extension
		return nil
	}
	return k.endOfLine(c, lf, behind)
}

// skipTo passes over c unless it ends the line.
func (k *chunks) skipTo(c byte, lf, behind chunkState) error {
	if c == '\r' || c == '\n' {
		return k.endOfLine(c, lf, behind)
	}
	return nil
}

// endOfLine reads a CR, or an LF alone.
func (k *chunks) endOfLine(c byte, lf, behind chunkState) error {
	switch {
	case c == '\r':
		k.state = lf
	case c == '\n' && !k.strict:
		k.state = behind
	default:
		return world.ErrBadChunk
	}
	return nil
}

func hexDigit(c byte) (int64, bool) {
	switch {
	case isDigit(c):
		return int64(c - '0'), true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int64(c|0x20-'a') + 10, true
	}
	return 0, false
}
