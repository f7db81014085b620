package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/urfave/cli/v2"

	"sessionlab/scenarios/history"
)

// outputs opens what --out and --history name. A scenario that is about to be
// run is never overwritten.
func (env *Env) outputs(c *cli.Context, jobs []job) (out, history io.WriteCloser, err error) {
	names := map[string]string{"--out": c.String("out"), "--history": c.String("history")}
	for _, flag := range []string{"--out", "--history"} {
		for _, j := range jobs {
			if sameFile(names[flag], j.name) && env.isFile(j.name) {
				return nil, nil, misuse("give another file to "+flag, "%s %s would overwrite the scenario", flag, names[flag])
			}
		}
	}
	if out, err = env.open("--out", names["--out"], env.Stdout); err != nil {
		return nil, nil, err
	}
	if names["--out"] != "" && sameFile(names["--out"], names["--history"]) {
		err = misuse("they need a file each", "--out and --history are both %s", names["--out"])
	} else {
		history, err = env.open("--history", names["--history"], io.Discard)
	}
	if err != nil {
		return nil, nil, errors.Join(err, out.Close())
	}
	return out, history, nil
}

// open opens a file to write to; "-" is standard output, and without a name it is
// the stream. A pipe that nobody reads is refused: one might wait for ever.
func (env *Env) open(flag, name string, stream io.Writer) (io.WriteCloser, error) {
	switch name {
	case "":
		return kept{stream}, nil
	case "-":
		return kept{env.Stdout}, nil
	}
	o, how := &output{name: name}, os.O_WRONLY
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		o.made = true
		how |= os.O_CREATE
	case err != nil:
	case info.Mode().IsRegular():
		o.replaces = true
	case info.Mode()&fs.ModeNamedPipe != 0:
		how |= syscall.O_NONBLOCK // else it would wait for a reader
	}
	o.file, err = os.OpenFile(name, how, 0o666)
	switch {
	case err == nil:
		return o, nil
	case errors.Is(err, syscall.ENXIO):
		return nil, misuse("start what reads it first", "%s %s: nobody reads from this pipe", flag, name)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return nil, misuse("name a file in a folder that is there and may be written to", "%s %s: %w", flag, name, err)
}

// output is a file that is replaced only when there is something to write.
type output struct {
	file     *os.File
	name     string
	made     bool // there was none before
	replaces bool // there was one; a device or a pipe has nothing to empty
	begun    bool
}

// begin empties the file, once.
func (o *output) begin() error {
	if o.begun {
		return nil
	}
	o.begun = true
	if o.replaces {
		return o.file.Truncate(0)
	}
	return nil
}

func (o *output) Write(p []byte) (int, error) {
	if err := o.begin(); err != nil {
		return 0, err
	}
	return o.file.Write(p)
}

// Close takes a file away that was made for nothing.
func (o *output) Close() error {
	err := o.file.Close()
	if o.made && !o.begun {
		err = errors.Join(err, os.Remove(o.name))
	}
	return err
}

// sameFile reports whether two names mean one existing file.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// deliver writes a report. One that cannot be written where it belongs, and those
// after it, go to standard output.
func (s *session) deliver(write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	_, err := s.out.Write(b.Bytes())
	if err == nil {
		return nil
	}
	if stream, ok := s.out.(kept); ok && stream.Writer == s.env.Stdout {
		return fmt.Errorf("write report: %w", err)
	}
	s.undelivered = fmt.Errorf("write report: %w; it is on standard output instead", err)
	s.out = kept{s.env.Stdout}
	_, err = s.out.Write(b.Bytes())
	return err
}

// keep writes the history of a run. If that fails, the report is written all the
// same; a reader of a pipe who has left costs a warning and nothing else.
func (s *session) keep(h *history.History, mark string) {
	if s.unwritten != nil {
		return
	}
	if o, ok := s.history.(*output); ok {
		s.unwritten = o.begin() // a history without requests empties the file, too
	}
	if s.unwritten == nil {
		s.unwritten = history.EncodeRun(s.history, h, mark)
	}
	if errors.Is(s.unwritten, syscall.EPIPE) {
		s.env.complain(fmt.Errorf("warning: %w: who read it has left, and the history is not whole", s.unwritten), "")
	}
}

// kept is a stream that stays open.
type kept struct{ io.Writer }

func (kept) Close() error { return nil }
