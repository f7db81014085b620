package delta

// standing is what decides about the message at the end of a request. Times are
// milliseconds of this node's wall clock.
type standing struct {
	// Dirty says that there are changes that were not sent.
	Dirty bool
	// Primary says that this copy was the primary one until now.
	Primary bool
	// MaxInactive is in seconds.
	MaxInactive int
	// LastReplicated is when this node last sent a message about the session at
	// the end of a request, or got to hold it.
	LastReplicated int64
	Now            int64
}

// completed decides which message the end of a request sends, 0 for none. The
// copy is primary afterwards, and if there is a message it was last replicated
// now.
//
// So who changes nothing is announced once per interval, and copies elsewhere that
// end after two intervals live on; unless that one message is lost. Where joining a
// session is a change (sessions.Release.JoinEndsNew) there is an ACCESSED only if
// another node's DELTA has erased that change meanwhile.
// Source: Tomcat DeltaManager.java, requestCompleted.
func completed(s standing) Kind {
	switch {
	case s.Dirty:
		return Delta
	case !s.Primary:
		return Accessed
	case s.MaxInactive >= 0 && s.Now-s.LastReplicated > int64(s.MaxInactive)*1000:
		return Accessed
	}
	return 0
}
