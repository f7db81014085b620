package appnode

import (
	"fmt"
	"regexp"
)

// ReplicationValve has the manager send the session's changes once the rest of
// the pipeline has returned, but before a small answer leaves. It does nothing
// unless the manager is a Replicator. The zero value has no filter.
//
// Source: Tomcat ReplicationValve.java. Left out: primaryIndicator, statistics,
// and sessions of other applications.
type ReplicationValve struct {
	filter *regexp.Regexp
}

// NewReplicationValve returns a valve with a filter: a request whose whole
// decoded URI matches is taken not to have changed its session. Nothing is sent
// then, and what did change goes out with the next request that does not match.
// An empty filter matches nothing.
//
// The expression is Go's (RE2): Java's look-around and back references are an
// error here.
func NewReplicationValve(filter string) (*ReplicationValve, error) {
	if filter == "" {
		return &ReplicationValve{}, nil
	}
	re, err := regexp.Compile("^(?:" + filter + ")$")
	if err != nil {
		return nil, fmt.Errorf("filter of ReplicationValve: %w", err)
	}
	return &ReplicationValve{filter: re}, nil
}

// Invoke lets the request run and then has its session replicated. Without
// other members the pending changes are dropped, filter or not: whoever joins
// later gets the whole session.
func (v *ReplicationValve) Invoke(r *Request, next Pipeline) {
	next.Invoke(r)
	replicator, ok := r.Manager().(Replicator)
	if !ok {
		return
	}
	alone := !replicator.HasMembers()
	if !alone && v.filter != nil && v.filter.MatchString(r.Path()) {
		return
	}
	s, err := r.Session(false)
	if err != nil || s == nil {
		return
	}
	if alone {
		replicator.ResetReplication(s)
	} else {
		replicator.RequestCompleted(r.Context(), s)
	}
}
