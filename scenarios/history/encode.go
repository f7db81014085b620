package history

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// EncodeRun writes one line of JSON for each request of a run, in the history's
// order. mark, which is JSON members such as `"scenario":"kill"`, stands first on
// every line and tells runs apart that share a file; "" is none. The names are a
// promise:
//
//	step at_ms took_ms user method path status node attempts[]{node outcome}
//	session set_cookie new_session want got error audit
//
// want and got map an attribute's name to {value write writes}; both may be
// null; an attempt has unnamed where the proxy did not pass on the request's
// identity. Besides them a line may carry request (identity), label, on, sent,
// foreign, withheld, set_cookies[] (whole lines), received[]{node line header[]} where the
// run keeps it, write{name value number op writes}, maybe, and started and ended in
// nanoseconds where milliseconds with three decimals cannot say them; and
// notes[]{node path requested session new login was logout write got refused status},
// what nodes say that the request was, where what is false, empty or, for got, as
// in the line itself is left out.
func EncodeRun(w io.Writer, h *History, mark string) error {
	b := bufio.NewWriterSize(w, 1<<16)
	begin := "{"
	if mark != "" {
		begin += mark + ","
	}
	var line []byte
	for _, r := range h.Requests {
		line = append(AppendRecord(line[:0], r), '\n')
		if _, err := b.WriteString(begin); err != nil {
			return fmt.Errorf("write history: %w", err)
		}
		if _, err := b.Write(line[1:]); err != nil {
			return fmt.Errorf("write history: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// AppendRecord appends the JSON of a request, without a line end.
func AppendRecord(b []byte, r *Record) []byte {
	b = append(b, `{"step":`...)
	b = strconv.AppendInt(b, int64(r.Step), 10)
	b = append(b, `,"at_ms":`...)
	b = AppendMillis(b, r.Started)
	b = append(b, `,"took_ms":`...)
	b = AppendMillis(b, r.Ended-r.Started)
	b = appendField(b, "user", r.User)
	b = append(b, `,"request":`...)
	b = appendRequest(b, r)
	b = appendOptional(b, "label", r.Label)
	b = appendField(b, "method", r.Method)
	b = appendField(b, "path", r.Path)
	b = appendOptional(b, "on", r.On)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = appendField(b, "node", r.Node)
	b = append(b, `,"attempts":[`...)
	for i, a := range r.Attempts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"node":`...)
		b = AppendString(b, a.Node)
		b = appendField(b, "outcome", a.Outcome)
		b = appendTrue(b, "unnamed", a.Unnamed)
		b = append(b, '}')
	}
	b = append(b, ']')
	b = appendOptional(b, "sent", r.Sent)
	if r.Foreign {
		b = append(b, `,"foreign":true`...)
	}
	b = appendField(b, "session", r.Session)
	b = appendField(b, "set_cookie", r.SetCookie)
	if len(r.SetCookies) > 0 {
		b = appendStrings(append(b, `,"set_cookies":`...), r.SetCookies)
	}
	if r.Received != nil {
		b = append(b, `,"received":[`...)
		for i, got := range r.Received {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"node":`...)
			b = AppendString(b, got.Node)
			b = appendField(b, "line", got.Line)
			b = append(appendStrings(append(b, `,"header":`...), got.Header), '}')
		}
		b = append(b, ']')
	}
	b = append(b, `,"new_session":`...)
	b = strconv.AppendBool(b, r.NewSession)
	b = appendTrue(b, "withheld", r.Withheld)
	b = appendWrite(b, r.Write())
	b = appendNotes(b, r)
	if r.Maybe() {
		b = append(b, `,"maybe":true`...)
	}
	b = append(b, `,"want":`...)
	b = appendAttrs(b, r.Want)
	b = append(b, `,"got":`...)
	b = appendAttrs(b, r.Got)
	b = appendField(b, "error", r.Err)
	b = append(b, `,"audit":`...)
	b = strconv.AppendBool(b, r.Audit)
	if r.Started%time.Microsecond != 0 || r.Ended%time.Microsecond != 0 {
		b = append(b, `,"started":`...)
		b = strconv.AppendInt(b, int64(r.Started), 10)
		b = append(b, `,"ended":`...)
		b = strconv.AppendInt(b, int64(r.Ended), 10)
	}
	return append(b, '}')
}

func appendWrite(b []byte, w *Write) []byte {
	if w == nil {
		return b
	}
	b = append(b, `,"write":{"name":`...)
	b = AppendString(b, w.Name)
	b = appendField(b, "value", w.Value)
	b = append(b, `,"number":`...)
	b = strconv.AppendInt(b, w.Number, 10)
	b = appendField(b, "op", string(w.Op))
	b = append(b, `,"writes":`...)
	b = strconv.AppendInt(b, w.Writes, 10)
	return append(b, '}')
}

func appendNotes(b []byte, r *Record) []byte {
	for i := range r.Notes {
		n := &r.Notes[i]
		if i == 0 {
			b = append(b, `,"notes":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(b, `{"node":`...)
		b = AppendString(b, n.Node)
		b = appendOptional(b, "path", n.Path)
		b = appendOptional(b, "requested", n.Requested)
		switch {
		case n.Session != "":
			b = appendField(b, "session", n.Session)
		case n.Asked:
			b = append(b, `,"session":null`...)
		}
		b = appendTrue(b, "new", n.New)
		b = appendTrue(b, "login", n.Login)
		b = appendOptional(b, "was", n.Was)
		b = appendTrue(b, "logout", n.Logout)
		b = appendWrite(b, n.Write)
		if n.Got != nil && !slices.Equal(n.Got, r.Got) {
			b = append(b, `,"got":`...)
			b = appendAttrs(b, n.Got)
		}
		if n.Refused != "" {
			b = appendField(b, "refused", n.Refused)
			b = append(b, `,"status":`...)
			b = strconv.AppendInt(b, int64(n.Status), 10)
		}
		b = append(b, '}')
	}
	if len(r.Notes) > 0 {
		b = append(b, ']')
	}
	return b
}

func appendTrue(b []byte, name string, is bool) []byte {
	if !is {
		return b
	}
	return append(append(append(b, `,"`...), name...), `":true`...)
}

// AppendMillis appends d in milliseconds, cut to at most three decimals and
// without zeros at the end: 1500us is 1.5.
func AppendMillis(b []byte, d time.Duration) []byte {
	us := d.Microseconds()
	if us < 0 {
		b = append(b, '-')
		us = -us
	}
	b = strconv.AppendInt(b, us/1000, 10)
	rest := us % 1000
	if rest == 0 {
		return b
	}
	b = append(b, '.', byte('0'+rest/100))
	if rest %= 100; rest == 0 {
		return b
	}
	b = append(b, byte('0'+rest/10))
	if rest %= 10; rest == 0 {
		return b
	}
	return append(b, byte('0'+rest))
}

func appendAttrs(b []byte, attrs []Attr) []byte {
	if attrs == nil {
		return append(b, "null"...)
	}
	b = append(b, '{')
	for i, a := range attrs {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, a.Name)
		b = append(b, `:{"value":`...)
		b = AppendString(b, a.Value)
		b = append(b, `,"write":`...)
		b = strconv.AppendInt(b, a.Write, 10)
		b = append(b, `,"writes":`...)
		b = strconv.AppendInt(b, a.Writes, 10)
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendStrings(b []byte, all []string) []byte {
	b = append(b, '[')
	for i, s := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, s)
	}
	return append(b, ']')
}

func appendRequest(b []byte, r *Record) []byte {
	b = AppendString(b, r.User)
	b = append(b[:len(b)-1], '/')
	b = strconv.AppendInt(b, int64(r.N), 10)
	return append(b, '"')
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return AppendString(b, value)
}

func appendOptional(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendField(b, name, value)
}

// AppendString appends s as a JSON string. Bytes that are no UTF-8 become
// U+FFFD, as in encoding/json.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < 0x7f {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\t':
				b = append(b, '\\', 't')
			case '\r':
				b = append(b, '\\', 'r')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, `\ufffd`...)
			i++
			start = i
			continue
		}
		if !unicode.IsGraphic(r) {
			b = append(b, s[start:i]...)
			b = appendEscape(b, r)
			start = i + size
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// Escaped is JSON with everything in it that a terminal would obey or hide,
// beyond what JSON itself demands, written as \u202e. It means the same.
func Escaped(text []byte) []byte {
	hidden := func(r rune) bool { return r >= 0x7f && !unicode.IsGraphic(r) }
	if bytes.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if hidden(r) {
			b = appendEscape(b, r)
		} else {
			b = append(b, text[:size]...)
		}
		text = text[size:]
	}
	return b
}

// appendEscape appends a character as JSON writes it in ASCII.
func appendEscape(b []byte, r rune) []byte {
	if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
		return fmt.Appendf(b, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(b, `\u%04x`, r)
}
