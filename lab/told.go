package lab

import (
	"errors"
	"fmt"
	"strings"

	"sessionlab/appnode"
	"sessionlab/lab/world"
	"sessionlab/sessions"
	"sessionlab/sessions/delta"
	"sessionlab/sessions/tribes"
)

// channelTraced turns what a node's channel tells into events.
func (l *Lab) channelTraced(name string, e tribes.Event) {
	switch e.Kind {
	case tribes.Handed:
		l.handed(name, &e)
		return
	case tribes.Processed:
		l.processed(name, &e)
		return
	}
	peer := ""
	if e.Member.Host != "" {
		peer = l.machineAt(e.Member.Host)
	}
	event := Event{Kind: Broken, Host: name, Peer: peer, Label: e.Label}
	switch e.Kind {
	case tribes.MemberAdded:
		event.Kind = Sees
		if l.running.Load() { // a formed cluster lists its members from the start
			event.Text = fmt.Sprintf("%s lists %s as a member", name, peer)
		}
	case tribes.MemberGone:
		event.Kind = Misses
		event.Text = fmt.Sprintf("%s drops %s from its members", name, peer)
	case tribes.MemberSuspect:
		event.Class = "suspects " + peer
		event.Text = fmt.Sprintf("%s suspects %s, which still accepts connections and so stays a member", name, peer)
	case tribes.SendFailed:
		event.Class, event.Fate = "send failed", SendFailed
		switch e.Err {
		case tribes.ErrConnectTimeout:
			event.Class = "not connected"
			event.Text = fmt.Sprintf("%s has tried in vain to connect to %s, and does not send it %s", name, peer, aMessage(e.Label))
		case tribes.ErrWriteTimeout:
			event.Class = "not written"
			event.Text = fmt.Sprintf("%s has waited in vain for room to send %s to %s", name, aMessage(e.Label), peer)
		default:
			event.Text = name + " cannot send " + aMessage(e.Label) + " to " + peer + "; the request goes on all the same"
		}
	case tribes.AckTimedOut:
		event.Class = "not acknowledged"
		event.Text = fmt.Sprintf("%s has waited in vain for %s to acknowledge %s; the request goes on all the same", name, peer, aMessage(e.Label))
	case tribes.ReceiverBusy:
		event.Class = e.Kind.String()
		event.Text = fmt.Sprintf("all receiver threads of %s are busy: a message of %s %s", name, peer, e.Detail)
	case tribes.PoolExhausted, tribes.QueueFull:
		event.Class = e.Kind.String()
		event.Text = fmt.Sprintf("%s: %v, %s is not sent", name, e.Kind, aMessage(e.Label))
	case tribes.HeartbeatFailed:
		event.Class = e.Kind.String()
		event.Text = fmt.Sprintf("%s cannot send heartbeats: %v", name, errors.Unwrap(e.Err))
	case tribes.FrameRefused, tribes.HeartbeatRefused:
		event.Class = e.Kind.String()
		event.Text = fmt.Sprintf("%s: %v", name, e)
	default:
		return
	}
	l.emit(&event)
}

// deltaTraced turns what a DeltaManager tells into events: those that explain
// why somebody will see something unexpected.
func (l *Lab) deltaTraced(e delta.Event) {
	peer := e.Peer
	if host, _, ok := strings.Cut(peer, ":"); ok {
		peer = l.machineAt(host)
	}
	message := aMessage(world.Label{Kind: e.Message.String(), Key: e.Session})
	text, class := "", e.Message.String()+" "+e.Kind.String()
	switch e.Kind {
	case delta.UnknownSession:
		text = fmt.Sprintf("%s drops %s from %s: it holds no such session", e.Node, message, peer)
	case delta.CopyReplaced:
		text = fmt.Sprintf("%s replaces its copy by an empty one: %s from %s", e.Node, message, peer)
	case delta.DeltaErased:
		text = fmt.Sprintf("%s loses its own unsent changes of %s to a DELTA from %s", e.Node, ShortID(e.Session), peer)
	case delta.NoManager:
		text = fmt.Sprintf("%s drops %s from %s: its application does not run", e.Node, message, peer)
	case delta.TooOld:
		text = fmt.Sprintf("%s drops %s from %s: older than the sessions it has fetched", e.Node, message, peer)
	case delta.Refused:
		text = fmt.Sprintf("%s drops a message from %s that it cannot read: %s", e.Node, peer, e.Detail)
	case delta.Transferring:
		text = fmt.Sprintf("%s asks %s for all sessions", e.Node, peer)
	case delta.Transferred:
		text = fmt.Sprintf("%s has all sessions of %s, %s", e.Node, peer, e.Detail)
	case delta.NotTransferred, delta.NoContextThere:
		text = fmt.Sprintf("%s: %v", e.Node, e.Kind)
	}
	fate := fates[e.Kind]
	if text == "" && fate == "" {
		return
	}
	event := Event{Kind: Session, Host: e.Node, Peer: peer, Text: text, Class: class, Fate: fate}
	event.Label = world.Label{Kind: e.Message.String(), Key: sessions.Base(e.Session)}
	switch fate {
	case UnknownSession, CopyReplaced, NoManager, TooOld:
		event.Took = l.decided(e.Node, e.ID)
	}
	l.emit(&event)
}

// replicationTold puts the statistics of a node's ReplicationValve into the
// timeline.
func (l *Lab) replicationTold(name string, s appnode.ReplicationStatistics) {
	l.tell(Session, name, "ReplicationValve of %s: %v", name, s)
}

// aMessage names a message in a sentence.
func aMessage(label world.Label) string {
	article := "a "
	if strings.HasPrefix(label.Kind, "A") || strings.HasPrefix(label.Kind, "E") {
		article = "an "
	}
	if label.Key == "" {
		return article + label.Kind
	}
	return article + label.Kind + " of " + ShortID(label.Key)
}

// ShortID is enough of a session id to tell sessions apart in a sentence:
// "7C01A2F4.tomcat1".
func ShortID(id string) string {
	base, route := sessions.Base(id), sessions.RouteOf(id)
	if len(base) > 8 {
		base = base[:8]
	}
	if route != "" {
		return base + "." + route
	}
	return base
}
