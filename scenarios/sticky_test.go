package scenarios_test

import "testing"

func TestRouteIsFollowedInTheCookieThatIsNamed(t *testing.T) {
	for _, nginx := range []string{"1.22", "1.31"} {
		t.Run(nginx, func(t *testing.T) {
			everywhere(t, `
nginx    `+nginx+`
nodes    3
app      sessionCookieName=SID
proxy    round_robin sticky=route cookie=SID
user     alice
alice    POST /counter  5 times
end      1s
expect   alice.nodes == "tomcat1 tomcat1 tomcat1 tomcat1 tomcat1" and alice.last.count == 5
`)
		})
	}
}

func TestRouteIsNotFollowedInACookieOfAnotherName(t *testing.T) {
	everywhere(t, `
nodes    2
app      sessionCookieName=SID
proxy    round_robin sticky=route
user     alice
alice    POST /counter  2 times
end      1s
expect   alice.nodes == "tomcat1 tomcat2"
`)
}
