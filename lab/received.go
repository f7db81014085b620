package lab

import (
	"net/http"
	"slices"
	"strings"

	"sessionlab/appnode"
)

// Received is a request as it came to a node.
type Received struct {
	Node string
	Line string // such as "GET /cart HTTP/1.1"
	// Header are its lines, Host first, the others by name, which is written as in
	// "X-Real-Ip" whatever came; the lab's own are left out.
	Header []string
}

// received notes what a node has got, under the request's identity. What has lost
// it on its way is nobody's.
func (l *Lab) received(node string, r *http.Request) {
	id := r.Header[appnode.RequestHeader]
	if len(id) == 0 {
		return
	}
	got := Received{Node: node, Line: r.Method + " " + r.RequestURI + " " + r.Proto}
	for name, values := range r.Header {
		if name == appnode.RequestHeader || name == appnode.WriteHeader {
			continue
		}
		for _, v := range values {
			got.Header = append(got.Header, name+": "+v)
		}
	}
	// The values of one field stay in their order.
	slices.SortStableFunc(got.Header, func(a, b string) int {
		one, _, _ := strings.Cut(a, ":")
		other, _, _ := strings.Cut(b, ":")
		return strings.Compare(one, other)
	})
	got.Header = slices.Insert(got.Header, 0, "Host: "+r.Host)
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.trail(id[0])
	t.Received = append(t.Received, got)
}
