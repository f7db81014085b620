package appnode

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"sessionlab/lab/world"
	"sessionlab/sessions"
)

// pieces is a body that is read in pieces of n bytes at most.
type pieces struct {
	io.Reader
	n int
}

func (p pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.n)]) }

func TestReadAnswerLeavesPaddingOutAndNothingElse(t *testing.T) {
	xs := strings.Repeat("x", 100_000)
	spaces := strings.Repeat(" ", 100_000)
	state := &sessions.State{ID: "A.tomcat1", Attributes: []sessions.Attribute{
		{Name: "long", Value: sessions.Value{Text: xs + spaces}}, {Name: "pad", Value: sessions.Value{Text: xs}}}}
	answer := string(appendAnswer(nil, "tomcat1", state))
	page := string(application{"test.tomcat1", "red"}.appendPage(nil, "A.tomcat1", 7))
	large := strings.Repeat("x", 8<<20)
	for _, c := range []struct {
		what, before, padding, behind string
	}{
		{"an answer", answer, beginPadding + large, "\"}\n"},
		{"an answer without padding", answer, "", "}\n"},
		{"a page", page, strings.ReplaceAll(large, "x", " "), ""},
		{"text", "no answer " + xs, "", ""},
	} {
		for _, n := range []int{100, 1000, 4090, 8192, 1 << 20} {
			body := c.before + c.padding + c.behind
			got, err := ReadAnswer(pieces{strings.NewReader(body), n}, []byte("before "))
			if err != nil || !bytes.HasPrefix(got, []byte("before "+c.before)) || !bytes.HasSuffix(got, []byte(c.behind)) {
				t.Errorf("%s in pieces of %d: read %d bytes, %v, want what is not padding", c.what, n, len(got), err)
			}
			if over := len(got) - len("before ") - len(c.before) - len(c.behind); over > 64<<10 {
				t.Errorf("%s in pieces of %d: %d bytes of padding were kept", c.what, n, over)
			}
			if c.what != "an answer" {
				continue
			}
			var a, want Answer
			if err := ParseAnswer(got[len("before "):], &a); err != nil {
				t.Errorf("in pieces of %d: %v", n, err)
			}
			if err := ParseAnswer([]byte(answer+"}\n"), &want); err != nil || !reflect.DeepEqual(a, want) {
				t.Errorf("in pieces of %d: what was read says something else than the answer (%v)", n, err)
			}
		}
	}
	got, err := ReadAnswer(iotest.TimeoutReader(pieces{strings.NewReader("half an answer"), 4}), nil)
	if string(got) != "half" || err != iotest.ErrTimeout {
		t.Errorf("after an error: %q, %v, want what was read before it", got, err)
	}
}

// runSink counts what an answer sends, and keeps the bytes that are in no run.
type runSink struct {
	sink
	size int64
}

func (s *runSink) Write(b []byte) (int, error) {
	s.size += int64(len(b))
	return s.sink.Write(b)
}

func (s *runSink) WriteRun(r world.Run) (int64, error) {
	s.size += r.Length
	return r.Length, nil
}

func TestPaddingIsSentAsARunHoweverTheAnswerIsBroken(t *testing.T) {
	const size = 1 << 30
	for _, c := range []struct {
		what   string
		held   bool
		finish func(*response)
		want   int64
		length string
	}{
		{"as usual", false, (*response).finish, size, ""},
		{"held", true, (*response).finish, size, "1073741824"},
		{"partial", true, (*response).finishHalf, size / 2, "1073741824"},
	} {
		out := &runSink{sink: sink{header: map[string][]string{}}}
		var p response
		p.begin(out, &Config{})
		p.held = c.held
		p.write([]byte("begin"))
		p.pad('x', size-8)
		p.write([]byte("end"))
		c.finish(&p)
		if out.size != c.want || out.header.Get("Content-Length") != c.length {
			t.Errorf("%s: sent %d bytes with Content-Length %q, want %d and %q", c.what, out.size, out.header.Get("Content-Length"), c.want, c.length)
		}
		if len(out.body) > 2*bufferSize || !bytes.HasPrefix(out.body, []byte("begin")) || c.want == size && !bytes.HasSuffix(out.body, []byte("end")) {
			t.Errorf("%s: %d bytes were sent beside runs", c.what, len(out.body))
		}
	}
}
