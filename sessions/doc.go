// Package sessions is the HTTP session of a Tomcat-like node: its id with the
// jvmRoute, its attributes, its expiry, and the manager that keeps sessions in
// the memory of one node.
//
// Start with Session and StandardManager. ManagerBase is what every manager
// shares; managers that replicate embed it and watch a session's changes
// through a Recorder.
//
// It leaves out replication, stores and HTTP: which node holds the primary copy
// of a session is not a property of Session, and cookies are the node's. The
// observer hears what session and attribute listeners would hear; activation
// and binding listeners, attribute filters by name or class, and attributes that
// cannot be serialised are not simulated.
package sessions
