package tribes

import (
	"errors"
	"strings"
)

// Causes of a failed send, beside those of the wire.
var (
	// ErrConnectTimeout, ErrWriteTimeout, ErrAckTimeout: no connection, no room for the
	// message, no acknowledgement in time. For Tomcat they are the same.
	ErrConnectTimeout = errors.New("operation has timed out while connecting")
	ErrWriteTimeout   = errors.New("operation has timed out while writing")
	ErrAckTimeout     = errors.New("operation has timed out")
	// ErrRemoteProcess: the receiver answered with a negative acknowledgement.
	ErrRemoteProcess = errors.New("received a failed ack")
	// ErrNoSender: all senders of the pool were busy for too long.
	ErrNoSender = errors.New("unable to retrieve a sender from the pool")
	// ErrQueueFull: the dispatcher's queue is full and alwaysSend is off.
	ErrQueueFull = errors.New("asynchronous queue is full")
	// ErrStopped: the channel, or the part of it that was needed, is not started.
	ErrStopped = errors.New("channel is not started")
	// ErrNoDestination: a message to nobody.
	ErrNoDestination = errors.New("no destination given")
)

// ChannelError is a send that failed for some of its destinations; the others
// have got the message. errors.Is sees the cause of every one.
// Source: Tomcat ChannelException.java.
type ChannelError struct {
	Faulty []FaultyMember
}

// FaultyMember is a destination that a message did not reach.
type FaultyMember struct {
	Member Member
	Err    error
}

func (e *ChannelError) Error() string {
	var b strings.Builder
	b.WriteString("send failed")
	for i, f := range e.Faulty {
		b.WriteString([]string{": ", "; "}[min(i, 1)])
		b.WriteString(f.Member.String() + ": " + f.Err.Error())
	}
	return b.String()
}

func (e *ChannelError) Unwrap() []error {
	errs := make([]error, len(e.Faulty))
	for i, f := range e.Faulty {
		errs[i] = f.Err
	}
	return errs
}

// faultyAll is a ChannelError with one cause for all destinations.
func faultyAll(to []Member, err error) *ChannelError {
	e := &ChannelError{}
	for _, m := range to {
		e.Faulty = append(e.Faulty, FaultyMember{m, err})
	}
	return e
}
