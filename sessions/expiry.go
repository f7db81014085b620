package sessions

import "time"

// idleSeconds is the time since the last use in whole seconds; the fraction is
// cut off, and a clock that went back gives zero or less.
// Source: Tomcat StandardSession.java, isValid.
func idleSeconds(now time.Time, lastUse int64) int64 {
	return (now.UnixMilli() - lastUse) / 1000
}

// overdue reports whether an idle time has reached an interval, both in whole
// seconds. An interval of zero or less is never reached.
func overdue(idle, maxInactive int64) bool {
	return maxInactive > 0 && idle >= maxInactive
}
