package scenarios_test

import "testing"

const twoNodes = `
nodes    tomcat1 tomcat2
manager  StandardManager
user     alice timeout=2s
`

func TestANodeAnswersWithTheCookieThatItsLineSays(t *testing.T) {
	everywhere(t, twoNodes+`
proxy    round_robin
answer   tomcat1 200 1 time set_cookie="SID=s1; Path=/"
answer   tomcat2 302 1 time set_cookie="SID=s2"
alice    GET /session
expect   alice.last.status == 200 and alice.last.cookie(SID) == "s1"
alice    GET /session
expect   alice.last.status == 302 and alice.last.cookie(SID) == "s2"
end      1s
`)
}

// An invalid header is passed on where it is listed, a text without a head never:
// the proxy hands it over and keeps the connection, and the user waits for an end.
func TestATextWithoutAHeadIsNoInvalidHeader(t *testing.T) {
	everywhere(t, twoNodes+`
proxy    round_robin proxy_next_upstream="error timeout invalid_header"
answer   tomcat1 invalid_header 1 time
alice    GET /session
expect   alice.last.status == 200 and requests.retried == 1
answer   tomcat2 http09 1 time
alice    GET /session
end      5s
expect   requests.failed == 1 and requests.retried == 1
`)
}

func TestATargetReachesTheNodeAsItIsWritten(t *testing.T) {
	everywhere(t, twoNodes+`
proxy    round_robin
alice    POST /%63ounter?%61dd=1
expect   alice.last.count == 1
alice    GET //session;x=%31?name=%25
expect   alice.last.status == 200
end      1s
`)
}
