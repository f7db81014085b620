package delta

import "sessionlab/sessions"

// behaviour is what the manager does differently in one line of releases.
type behaviour struct {
	// valveRenames says that JvmRouteBinderValve renames the session by itself,
	// empties its delta, and tells the others by a SessionIDMessage, which does
	// not wait for a state.
	// Source: Tomcat 7.0 JvmRouteBinderValve.java, JvmRouteSessionIDBinderListener.java.
	valveRenames bool
	// getAllAsClustered says that the state is asked for with the cluster's
	// channelSendOptions, not always asynchronously.
	// Source: Tomcat DeltaManager.java, getAllClusterSessions (changed in 9.0.9).
	getAllAsClustered bool
	// rxBufSize is the default of the receiver's attribute, in bytes; zero is
	// the channel's own. Source: Tomcat ReceiverBase.java, rxBufSize.
	rxBufSize int
}

// behaviours are by the name of the release line.
var behaviours = map[string]behaviour{
	"7":    {valveRenames: true, getAllAsClustered: true, rxBufSize: 43800},
	"8.5":  {getAllAsClustered: true},
	"9":    {},
	"10.1": {},
}

func behaviourOf(r sessions.Release) behaviour { return behaviours[r.Name] }
