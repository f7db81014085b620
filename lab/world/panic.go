package world

import (
	"fmt"
	"runtime/debug"
)

// Panic is a mistake in the program itself: the error of a run that the panic of
// a task has ended, and what an Event of Panics tells.
type Panic struct {
	Where string // such as "task receiver of tomcat1"
	Value any    // what was given to panic
	Stack []byte // of the goroutine that panicked
}

// NewPanic keeps what recover has returned, and the stack. The deferred function
// that recovers calls it.
func NewPanic(where string, value any) *Panic { return &Panic{where, value, debug.Stack()} }

func (p *Panic) Error() string { return fmt.Sprintf("%s panicked: %v", p.Where, p.Value) }
