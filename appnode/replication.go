package appnode

import (
	"fmt"
	"regexp"
)

// ReplicationConfig configures a ReplicationValve. The zero value is Tomcat's
// default.
type ReplicationConfig struct {
	// Filter is a regular expression: a request whose whole decoded URI matches
	// is taken not to have changed its session. Nothing is sent then, and what
	// did change goes out with the next request that does not match. "" matches
	// nothing. The expression is Go's (RE2): Java's look-around and back
	// references are an error here.
	Filter string
	// PrimaryIndicator sets a request attribute to "true" or "false": whether the
	// copy of the requested session that this node holds is the primary one. It
	// is looked at before the application, which makes the copy primary, and not
	// set where there is no such session.
	PrimaryIndicator bool
	// PrimaryIndicatorName is the attribute's name; "" is
	// DefaultPrimaryIndicatorName.
	PrimaryIndicatorName string
	// Statistics makes the valve count and time requests; see
	// ReplicationValve.Statistics.
	Statistics bool
	// Told is called with the statistics after every hundredth request, which is
	// when Tomcat's debug log has them. It may be nil.
	Told func(ReplicationStatistics)
}

// DefaultPrimaryIndicatorName is ReplicationValve's primaryIndicatorName.
const DefaultPrimaryIndicatorName = "org.apache.catalina.ha.tcp.isPrimarySession"

// ReplicationValve has the manager send the session's changes once the rest of
// the pipeline has returned, but before a small answer leaves. It does nothing
// unless the manager is a Replicator. The zero value has the default
// configuration.
//
// Source: Tomcat ReplicationValve.java. Left out: sessions of other applications,
// and with them nrOfCrossContextSendRequests.
type ReplicationValve struct {
	cfg    ReplicationConfig
	filter *regexp.Regexp
	counts replicationCounts
}

// NewReplicationValve returns a valve, or an error about its filter.
func NewReplicationValve(cfg ReplicationConfig) (*ReplicationValve, error) {
	if cfg.PrimaryIndicatorName == "" {
		cfg.PrimaryIndicatorName = DefaultPrimaryIndicatorName
	}
	v := &ReplicationValve{cfg: cfg}
	if cfg.Filter == "" {
		return v, nil
	}
	re, err := regexp.Compile("^(?:" + cfg.Filter + ")$")
	if err != nil {
		return nil, fmt.Errorf("filter of ReplicationValve: %w", err)
	}
	v.filter = re
	return v, nil
}

// Invoke lets the request run and then has its session replicated. Without
// other members the pending changes are dropped, filter or not: whoever joins
// later gets the whole session.
func (v *ReplicationValve) Invoke(r *Request, next Pipeline) {
	var began int64
	if v.cfg.Statistics {
		began = r.nowMs()
	}
	if v.cfg.PrimaryIndicator {
		v.indicatePrimary(r)
	}
	next.Invoke(r)
	replicator, ok := r.Manager().(Replicator)
	switch {
	case !ok:
	case !replicator.HasMembers():
		if s, err := r.Session(false); err == nil && s != nil {
			replicator.ResetReplication(s)
		}
	case v.cfg.Statistics:
		sending := r.nowMs()
		result := v.replicate(r, replicator)
		v.count(result, began, sending, r.nowMs())
	default:
		v.replicate(r, replicator)
	}
}

// replicated is what came of a request's session at the request's end.
type replicated uint8

const (
	nothingToSend replicated = iota
	filtered
	sent
)

func (v *ReplicationValve) replicate(r *Request, replicator Replicator) replicated {
	s, err := r.Session(false)
	if err != nil || s == nil {
		return nothingToSend
	}
	if v.filter != nil && v.filter.MatchString(r.Path()) {
		return filtered
	}
	if replicator.RequestCompleted(r.Context(), s) {
		return sent
	}
	return nothingToSend
}

// indicatePrimary sets the request attribute. Looking ends no session, even if
// its time has passed.
// Source: Tomcat ReplicationValve.java, createPrimaryIndicator.
func (v *ReplicationValve) indicatePrimary(r *Request) {
	teller, ok := r.Manager().(PrimaryTeller)
	if !ok || r.RequestedID() == "" {
		return
	}
	if s := teller.Lookup(r.RequestedID()); s != nil {
		r.SetAttribute(v.cfg.PrimaryIndicatorName, fmt.Sprint(teller.Primary(s)))
	}
}

func (r *Request) nowMs() int64 { return r.node.host.Now().UnixMilli() }
