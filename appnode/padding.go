package appnode

import (
	"bytes"
	"io"

	"sessionlab/lab/world"
)

// What stands before the padding of an answer in JSON, and of the page.
const (
	beginPadding = `,"pad":"`
	endOfPage    = "</html>\n"
)

// ReadAnswer reads the body of an answer and appends it to buf, but leaves most
// of the padding out: what is read costs no more than what it says. The bytes
// that were read before an error are returned with it.
func ReadAnswer(body io.Reader, buf []byte) ([]byte, error) {
	const room = 2 << 10
	from := len(buf)
	padding, with := false, byte(0)
	for {
		if cap(buf)-len(buf) < room/4 {
			buf = append(buf, make([]byte, room)...)[:len(buf)]
		}
		n, run, err := world.ReadRun(body, buf[len(buf):cap(buf)])
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
		if run.Length > 0 {
			if padding = padding && run.Byte == with || isPadding(buf[from:], run.Byte); padding {
				with = run.Byte
			} else {
				buf = append(buf, bytes.Repeat([]byte{run.Byte}, int(run.Length))...)
			}
			continue
		}
		got := buf[len(buf) : len(buf)+n]
		if padding || isPadding(buf[from:], got[0]) {
			if !padding {
				padding, with = true, got[0]
			}
			n = copy(got, trimLeft(got, with))
			padding = n == 0
		}
		buf = buf[:len(buf)+n]
	}
}

// isPadding reports whether more of a byte that comes after b is padding.
func isPadding(b []byte, with byte) bool {
	mark := beginPadding
	switch with {
	default:
		return false
	case 'x':
	case ' ':
		mark = endOfPage
	}
	end := len(b)
	for end > 0 && b[end-1] == with {
		end--
	}
	return bytes.HasSuffix(b[:end], []byte(mark))
}

func trimLeft(b []byte, c byte) []byte {
	for len(b) > 0 && b[0] == c {
		b = b[1:]
	}
	return b
}
