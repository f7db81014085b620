package appnode

import "sessionlab/sessions"

// JvmRouteBinderValve renames a session that came from another node, so that its
// id ends in this node's route and a sticky proxy stays here. It does nothing
// unless the manager is an IDChanger.
//
// With distinct routes and no stickiness the suffix changes on every hop. Two
// nodes that rename one session at the same time fork it.
//
// Source: Tomcat JvmRouteBinderValve.java (8.5 and later). Left out: the request
// attribute with the original id.
type JvmRouteBinderValve struct{}

// Invoke renames the requested session if its route is another node's.
func (JvmRouteBinderValve) Invoke(r *Request, next Pipeline) {
	if changer, ok := r.Manager().(IDChanger); ok {
		bindRoute(r, changer)
	}
	next.Invoke(r)
}

func bindRoute(r *Request, changer IDChanger) {
	id, local := r.RequestedID(), r.Manager().JvmRoute()
	route := sessions.RouteOf(id)
	if route == "" || local == "" || route == local {
		return
	}
	newID := sessions.WithRoute(id, local)
	if s := r.Manager().Find(r.Context(), id); s != nil {
		if changer.ChangeID(r.Context(), s, newID) == nil {
			r.changeSessionID(newID)
		}
		return
	}
	if r.Manager().Find(r.Context(), newID) != nil { // another request has renamed it
		r.changeSessionID(newID)
	}
}
