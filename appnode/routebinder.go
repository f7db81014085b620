package appnode

import "sessionlab/sessions"

// JvmRouteBinderValve renames a session that came from another node, so that its
// id ends in this node's route and a sticky proxy stays here. It does nothing
// unless the manager is an IDChanger.
//
// With distinct routes and no stickiness the suffix changes on every hop. Two
// nodes that rename one session at the same time fork it. Whether the session's
// time has passed is not looked at: it gets its new id, and then its end.
//
// Source: Tomcat JvmRouteBinderValve.java (8.5 and later).
type JvmRouteBinderValve struct {
	// SessionIDAttribute is the request attribute that gets the id that the
	// client sent, when it was replaced; "" is DefaultSessionIDAttribute.
	SessionIDAttribute string
	// NoSessionIDAttribute is sessionIdAttribute="": there is none.
	NoSessionIDAttribute bool
}

// DefaultSessionIDAttribute is JvmRouteBinderValve's sessionIdAttribute.
const DefaultSessionIDAttribute = "org.apache.catalina.ha.session.JvmRouteOriginalSessionID"

// Invoke renames the requested session if its route is another node's.
func (v JvmRouteBinderValve) Invoke(r *Request, next Pipeline) {
	if changer, ok := r.Manager().(IDChanger); ok {
		v.bindRoute(r, changer)
	}
	next.Invoke(r)
}

func (v JvmRouteBinderValve) bindRoute(r *Request, changer IDChanger) {
	id, local := r.RequestedID(), r.Manager().JvmRoute()
	route := sessions.RouteOf(id)
	if route == "" || local == "" || route == local {
		return
	}
	newID := sessions.WithRoute(id, local)
	if s := changer.Lookup(id); s != nil {
		if changer.ChangeID(r.Context(), s, newID) == nil {
			v.changeRequest(r, id, newID)
		}
		return
	}
	if changer.Lookup(newID) != nil { // another request has renamed it
		v.changeRequest(r, id, newID)
	}
}

func (v JvmRouteBinderValve) changeRequest(r *Request, id, newID string) {
	r.changeSessionID(newID)
	switch {
	case v.NoSessionIDAttribute:
	case v.SessionIDAttribute == "":
		r.SetAttribute(DefaultSessionIDAttribute, id)
	default:
		r.SetAttribute(v.SessionIDAttribute, id)
	}
}
