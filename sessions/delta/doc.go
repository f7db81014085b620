// Package delta is Tomcat's DeltaManager: every node of a cluster holds a copy
// of every session, and a request's changes are sent to all at its end.
//
// Start with Config and NewManager. A Manager is what appnode needs of its
// sessions, and what the cluster's valves work on; it talks to the other nodes
// over a Channel of group communication and decides nothing about delivery.
//
// Nothing is done here to repair what Tomcat loses. A DELTA for a session that
// is not held is dropped, an incoming DELTA, were it of a request that only reads,
// erases the changes that were not sent yet, a send that failed is forgotten, and
// the state is fetched once, at the start. Config.Trace says when that happens.
//
// It leaves out authType and authentication notes; listeners that travel with a
// session; and sessions of several applications: a node has one, whose name is
// Config.Name. Whether an application is distributable at all, without which
// Tomcat takes a StandardManager, is the caller's business.
//
// Source: Tomcat DeltaManager.java, DeltaSession.java, DeltaRequest.java,
// ClusterSessionListener.java, SimpleTcpCluster.java.
package delta
