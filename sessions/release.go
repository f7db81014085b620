package sessions

import (
	"fmt"
	"strings"
)

// Release is what differs between the lines of Tomcat releases. Each line
// stands for its latest release. The zero value is no release; see Releases.
type Release struct {
	// Name is the line, such as "10.1".
	Name string
	// Pathname is StandardManager's default: the file that sessions are saved
	// to at a graceful stop, "" for none.
	// Source: Tomcat StandardManager.java; 10.1 webapps/docs/config/manager.xml.
	Pathname string
	// UnderscoreHost says that a Host with an underscore is accepted.
	// Source: Tomcat HttpParser.java, DomainParseState (since 8.5.31).
	UnderscoreHost bool
	// ReasonPhrase says that a status line has one ("200 OK").
	// Source: Tomcat 8.5 migration guide, HTTP/1.1 reason phrase.
	ReasonPhrase bool
	// JoinEndsNew says that a session stops being new when a request joins it,
	// not only when its first request has ended. To a manager that replicates this
	// is a change: every request about a session that is there sends a delta, if
	// it only reads.
	// Source: Tomcat Request.java, doGetSession, since bug 69814 (9.0.110 and
	// 10.1.47).
	JoinEndsNew bool
	// RedrawsIDs says that an id that is in use is drawn again. The others hold the
	// new session in the place of the old one, whose user then shares it.
	// Source: Tomcat ManagerBase.java, generateSessionId (until April 2024).
	RedrawsIDs bool
}

// Releases are the known lines, the default first.
func Releases() []Release {
	return []Release{
		{Name: "10.1", JoinEndsNew: true},
		{Name: "9", Pathname: "SESSIONS.ser", JoinEndsNew: true},
		{Name: "8.5", Pathname: "SESSIONS.ser", RedrawsIDs: true},
		{Name: "7", Pathname: "SESSIONS.ser", RedrawsIDs: true, UnderscoreHost: true, ReasonPhrase: true},
	}
}

// ReleaseNamed finds a release line by its name; "9.0" and "7.0" are accepted
// for "9" and "7".
func ReleaseNamed(name string) (Release, error) {
	var known []string
	for _, r := range Releases() {
		if strings.TrimSuffix(name, ".0") == r.Name {
			return r, nil
		}
		known = append(known, r.Name)
	}
	return Release{}, fmt.Errorf("unknown Tomcat release %q: know %s", name, strings.Join(known, ", "))
}
