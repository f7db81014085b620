package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"
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
	if out, err = create("--out", names["--out"], env.Stdout); err != nil {
		return nil, nil, err
	}
	if names["--out"] != "" && sameFile(names["--out"], names["--history"]) {
		return nil, nil, misuse("they need a file each", "--out and --history are both %s", names["--out"])
	}
	history, err = create("--history", names["--history"], io.Discard)
	return out, history, err
}

// create opens a file to write to; without a name it is the stream.
func create(flag, name string, stream io.Writer) (io.WriteCloser, error) {
	if name == "" {
		return kept{stream}, nil
	}
	f, err := os.Create(name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, misuse("name a file in a folder that is there and may be written to", "%s %s: %w", flag, name, err)
	}
	return f, nil
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

// kept is a stream that stays open.
type kept struct{ io.Writer }

func (kept) Close() error { return nil }
