package appnode

// Valve is one step of the way of a request through the node. What it does
// before calling next happens before the application, what it does afterwards
// follows it; a valve that does not call next answers itself.
type Valve interface {
	Invoke(r *Request, next Pipeline)
}

// Pipeline is the valves that are still to come, the application last.
type Pipeline []Valve

// Invoke hands the request to the next valve.
func (p Pipeline) Invoke(r *Request) {
	if len(p) > 0 {
		p[0].Invoke(r, p[1:])
	}
}
