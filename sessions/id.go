package sessions

import (
	"math/rand/v2"
	"strings"
)

const hexDigits = "0123456789ABCDEF"

// DefaultSessionIDLength is sessionIdLength: how many random bytes are in an id.
// Source: Tomcat SessionIdGeneratorBase.java.
const DefaultSessionIDLength = 16

// NewID draws a session id: length random bytes, each as two upper-case
// hexadecimal digits, then "." and the route unless that is empty.
// Source: Tomcat StandardSessionIdGenerator.java.
func NewID(r *rand.Rand, length int, route string) string {
	id := make([]byte, 0, 2*length+1+len(route))
	for ; length > 0; length -= 8 {
		bits := r.Uint64()
		for range 2 * min(length, 8) {
			id = append(id, hexDigits[bits>>60])
			bits <<= 4
		}
	}
	if route != "" {
		id = append(append(id, '.'), route...)
	}
	return string(id)
}

// RouteOf is the jvmRoute of a session id: what follows the first dot, so a
// route may contain dots and the part before it may not. It is "" when there is
// no dot, or nothing before it.
// Source: Tomcat JvmRouteBinderValve.java.
func RouteOf(id string) string {
	if i := strings.IndexByte(id, '.'); i > 0 {
		return id[i+1:]
	}
	return ""
}

// Base is a session id without its route and the dot before it.
func Base(id string) string {
	if i := strings.IndexByte(id, '.'); i > 0 {
		return id[:i]
	}
	return id
}

// WithRoute is the id with its route replaced; an empty route takes it off.
func WithRoute(id, route string) string {
	if route == "" {
		return Base(id)
	}
	return Base(id) + "." + route
}

// Identity says for whom ids are drawn, so that the same request draws the same
// ids whatever else happens on the node. The zero value is a nameless request.
type Identity struct {
	// Request is the request's own name, "" if it has none.
	Request string
	// Drawn is how many ids this request has drawn so far.
	Drawn int
}
