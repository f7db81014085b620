package lab

import (
	"fmt"

	"sessionlab/appnode"
	"sessionlab/sessions"
)

// callbacks are the methods of Java's listeners that are called for an event, and
// whose they are. Source: Jakarta Servlet, HttpSessionListener and others; Tomcat
// Context.java, CHANGE_SESSION_ID_EVENT.
var callbacks = map[sessions.EventKind]struct{ listener, method string }{
	sessions.Created:           {"a session listener", "sessionCreated"},
	sessions.Expired:           {"a session listener", "sessionDestroyed"},
	sessions.Invalidated:       {"a session listener", "sessionDestroyed"},
	sessions.Renamed:           {"a session id listener", "sessionIdChanged"},
	sessions.AttributeAdded:    {"an attribute listener", "attributeAdded"},
	sessions.AttributeReplaced: {"an attribute listener", "attributeReplaced"},
	sessions.AttributeRemoved:  {"an attribute listener", "attributeRemoved"},
	sessions.ContainerRenamed:  {"a container listener", "changeSessionId"},
}

// heard is what the listeners of a node's application say of an event, "" if
// they do not hear of it, and the class of what they say.
func heard(e appnode.Event) (text, class string) {
	c := callbacks[e.Kind]
	if c.method == "" {
		return "", ""
	}
	text = fmt.Sprintf("%s of %s hears %s: %s", c.listener, e.Node, c.method, ShortID(e.Session))
	switch {
	case e.Attribute != "":
		text += " " + e.Attribute
	case e.NewID != "":
		text += " is " + ShortID(e.NewID) + " now"
	case e.Detail != "":
		text += ", " + e.Detail
	}
	return text, c.method
}

func (l *Lab) nodeTraced(e appnode.Event) {
	event := Event{Kind: Session, Host: e.Node}
	if l.plan.Manager.Base.Listeners {
		event.Text, event.Class = heard(e)
	}
	l.emit(&event)
}
