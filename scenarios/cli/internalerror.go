package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"sessionlab/lab/world"
)

// InternalError tells of a mistake in the program itself: one line on w, the
// rest in a file. It returns the status to exit with.
func InternalError(w io.Writer, p *world.Panic) (status int) {
	what, _, _ := strings.Cut(p.Error(), "\n")
	where, err := writeDetails(p)
	if err != nil {
		fmt.Fprintf(w, "sessionlab: internal error: %s; the details could not be written: %v\n", what, err)
		return exitLab
	}
	fmt.Fprintf(w, "sessionlab: internal error: %s; details in %s\n", what, where)
	return exitLab
}

func writeDetails(p *world.Panic) (name string, err error) {
	f, err := os.CreateTemp("", "sessionlab-error-*.txt")
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(f, "%v\n\n%s\n%s %s/%s\n%s\n\n%s", p, strings.Join(os.Args, " "),
		runtime.Version(), runtime.GOOS, runtime.GOARCH, time.Now().Format(time.RFC3339), p.Stack)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return f.Name(), err
}

// spawn runs f beside the command. A panic of f ends the process: nobody waits
// for its error.
func (env *Env) spawn(f func()) {
	go func() {
		defer func() {
			if p := recover(); p != nil {
				env.Exit(InternalError(env.Stderr, world.NewPanic("the command", p)))
			}
		}()
		f()
	}()
}
