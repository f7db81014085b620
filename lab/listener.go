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
	sessions.Created:           {"session listener", "sessionCreated"},
	sessions.Expired:           {"session listener", "sessionDestroyed"},
	sessions.Invalidated:       {"session listener", "sessionDestroyed"},
	sessions.Renamed:           {"session id listener", "sessionIdChanged"},
	sessions.AttributeAdded:    {"attribute listener", "attributeAdded"},
	sessions.AttributeReplaced: {"attribute listener", "attributeReplaced"},
	sessions.AttributeRemoved:  {"attribute listener", "attributeRemoved"},
	sessions.ContainerRenamed:  {"container listener", "changeSessionId"},
}

// heard is what the listeners of a node's application say of an event, "" if
// they do not hear of it, and the class of what they say.
func heard(e appnode.Event) (text, class string) {
	c := callbacks[e.Kind]
	if c.method == "" {
		return "", ""
	}
	text = fmt.Sprintf("a %s of %s hears %s: %s", c.listener, e.Node, c.method, shortID(e.Session))
	switch {
	case e.Attribute != "":
		text += " " + e.Attribute
	case e.NewID != "":
		text += " is " + shortID(e.NewID) + " now"
	case e.Detail != "":
		text += ", " + e.Detail
	}
	return text, c.method
}
