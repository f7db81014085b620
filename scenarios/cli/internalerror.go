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
	tell(w, "internal error: "+what, p, p.Stack)
	return exitLab
}

// Quit is what SIGQUIT asks of a Go program, as one line and a file: what every
// goroutine is doing.
func Quit(w io.Writer) (status int) {
	stacks := make([]byte, 16<<20)
	tell(w, "quit", "quit", stacks[:runtime.Stack(stacks, true)])
	return exitQuit
}

func tell(w io.Writer, what string, why any, stack []byte) {
	if where, err := writeDetails(why, stack); err != nil {
		fmt.Fprintf(w, "sessionlab: %s; the details could not be written: %v\n", what, err)
	} else {
		fmt.Fprintf(w, "sessionlab: %s; details in %s\n", what, where)
	}
}

func writeDetails(why any, stack []byte) (name string, err error) {
	f, err := os.CreateTemp("", "sessionlab-error-*.txt")
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(f, "%v\n\n%s\n%s %s/%s\n%s\n\n%s", why, strings.Join(os.Args, " "),
		runtime.Version(), runtime.GOOS, runtime.GOARCH, time.Now().Format(time.RFC3339), stack)
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
