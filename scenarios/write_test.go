package scenarios_test

import "testing"

// The answer to a HEAD has no body, however much the page writes.
func TestHeadLeavesTheConnectionAsItWas(t *testing.T) {
	everywhere(t, `
nodes    1
proxy    round_robin keepalive=4 proxy_http_version=1.1
user     alice
alice    POST /set?name=cart&value=pen
alice    HEAD /counter?size=9000
alice    GET /session
expect   alice.last.cart == "pen"
alice    HEAD /session?size=20000&flush=1&ms=50 on tomcat1
alice    GET /session on tomcat1
expect   alice.last.cart == "pen"
end      1s
expect   sessions.kept == 1 and requests.failed == 0
`)
}

// What the user counts as a write is what the application does.
func TestWithoutAFaultNothingIsMissed(t *testing.T) {
	everywhere(t, `
nodes    1
user     alice
alice    GET /counter?add=2
alice    POST /counter
alice    PUT /counter?add=x
alice    GET /counter?add=1&add=2
alice    GET /counter?%61dd=1
expect   alice.last.count == 3
alice    GET /set?name=cart&value=pen
alice    GET /set?name=cart&value
expect   alice.last.cart == ""
alice    GET /set?name=cart&value=pen
alice    GET /set?name=cart&othervalue=1
expect   alice.last.cart != "pen"
end      1s
expect   sessions.kept == 1 and sessions.stale_reads == 0 and guarantees.read_your_writes == 0
`)
}
