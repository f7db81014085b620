package upstream_test

import (
	"fmt"
	"time"

	"sessionlab/proxy/upstream"
)

// A server fails once and is left out for more than ten seconds.
func ExampleRequest() {
	g, err := upstream.New("jspserver", upstream.RoundRobin, []upstream.Server{
		upstream.NewServer("172.16.12.101:8080"),
		upstream.NewServer("172.16.12.102:8080"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	now := 3 * time.Second
	var r upstream.Request
	r.Begin(g, upstream.Key{})
	first, _ := r.Next(now)
	if r.Done(now, upstream.Failed) == upstream.Disabled {
		fmt.Println(first.Server.Addr, "is temporarily disabled")
	}
	second, _ := r.Next(now)
	r.Done(now, upstream.Served)
	fmt.Println(second.Server.Addr, "has served")
	for _, at := range []time.Duration{13 * time.Second, 14 * time.Second} {
		fmt.Println(at, g.Status(at)[0].State)
	}
	// Output:
	// 172.16.12.101:8080 is temporarily disabled
	// 172.16.12.102:8080 has served
	// 13s unavail
	// 14s up
}
