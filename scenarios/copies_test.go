package scenarios_test

import "testing"

func TestCopiesAreSeenWithoutTouchingThem(t *testing.T) {
	everywhere(t, `
nodes    3
manager  DeltaManager
cluster  channelSendOptions=6
proxy    round_robin sticky=route
user     alice
user     bob
expect   alice.copies == 0 and alice.copy(tomcat1) == "none" and alice.copy(tomcat1).count != 1
alice    POST /counter
wait     until quiet
expect   alice.copies == 3 and alice.copy(tomcat1) == "primary" and alice.copy(tomcat3) == "replica"
expect   alice.copy(tomcat1).count == 1 and alice.copy(tomcat2).count == 1 and alice.requests == 1
alice    POST /counter
pause    tomcat3
expect   alice.copies == 3 and bob.copies == 0
resume   tomcat3
kill     tomcat1
alice    GET /session
end      1s
expect   alice.copies == 2 and alice.copy(tomcat1) == "none" and alice.copy(tomcat2).count == 2
`)
}

func TestWithoutReplicationTheOnlyCopyIsTheSoleOne(t *testing.T) {
	everywhere(t, `
nodes    2
manager  StandardManager
proxy    round_robin sticky=route
user     alice
alice    GET /set?name=my.cart&value=pen
remember held = alice.copies
expect   held == 1 and alice.copy(tomcat1) == "sole" and alice.copy(tomcat1).my.cart == "pen"
alice    GET /logout
end      1s
expect   alice.copies == 0 and alice.copy(tomcat1) == "none"
`)
}
