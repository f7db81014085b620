package continuity_test

import (
	"fmt"
	"time"

	"sessionlab/scenarios/continuity"
	"sessionlab/scenarios/history"
)

// Alice puts a pen into her cart on one node, and the other one gives her a new
// session.
func ExampleCheck() {
	const ms = time.Millisecond
	var run history.Recorder
	run.Add(&history.Record{
		User: "alice", N: 1, Started: 0, Ended: 2 * ms, Method: "POST", Path: "/set?name=cart&value=pen",
		Status: 200, Node: "tomcat1", Session: "A1.tomcat1", SetCookie: "A1.tomcat1", NewSession: true,
		Notes: []history.Note{{Node: "tomcat1", Session: "A1.tomcat1", New: true,
			Write: &history.Write{Name: "cart", Value: "pen", Number: 1, Op: history.Set}}},
		Got: []history.Attr{{Name: "cart", Value: "pen", Write: 1, Writes: 1}},
	})
	run.AddEvent(history.Event{At: 5 * ms, Step: 4, Kind: "kill", Node: "tomcat1", Text: "tomcat1 is killed"})
	run.Add(&history.Record{
		User: "alice", N: 2, Started: 10 * ms, Ended: 13 * ms, Method: "GET", Path: "/counter",
		Status: 200, Node: "tomcat2", Sent: "A1.tomcat1", Session: "B7.tomcat2", SetCookie: "B7.tomcat2", NewSession: true,
		Got: []history.Attr{},
	})

	result := continuity.Check(run.History(), continuity.Options{})
	for _, s := range result.List {
		fmt.Println(s.ID, s.Class)
	}
	lost, _ := result.Figure("sessions.lost", "")
	nodes, _ := result.Figure("alice.nodes", "")
	fmt.Println(lost, nodes)
	fmt.Println(result.Anomalies[0].Explanation)
	// Output:
	// A1.tomcat1 lost
	// B7.tomcat2 kept
	// 1 "tomcat1 tomcat2"
	// alice presented session A1.tomcat1, last answered by tomcat1 at 0.002s, and tomcat2 gave a new one, B7.tomcat2. With it went what had been acknowledged: cart=pen. Before it, at 0.005s: tomcat1 is killed. Only tomcat1 held the session.
}
