package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"sessionlab/lab/sim"
	"sessionlab/lab/world"
	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
)

// A front with two nodes, one of them twice as strong, in virtual time.
func ExampleFront() {
	w := sim.New(sim.Config{Seed: 1})
	defer w.Close()
	err := w.Run(func(context.Context) error {
		front := proxy.Front{Port: 80}
		for i, name := range []string{"tomcat1", "tomcat2"} {
			addr := fmt.Sprintf("172.16.12.%d", 101+i)
			node, err := w.Boot(name, addr)
			if err != nil {
				return err
			}
			hello := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello from", name) }
			if _, err := node.Serve(8080, http.HandlerFunc(hello), world.ServeOptions{}); err != nil {
				return err
			}
			front.Servers = append(front.Servers, upstream.NewServer(addr+":8080"))
		}
		front.Servers[0].Weight = 2

		host, err := w.Boot("front", "172.16.12.1")
		if err != nil {
			return err
		}
		p, err := proxy.New(host, front.Config())
		if err != nil {
			return err
		}
		if err := p.Start(); err != nil {
			return err
		}
		for range 3 {
			req, err := http.NewRequest("GET", "http://172.16.12.1:80/", nil)
			if err != nil {
				return err
			}
			resp, err := w.Operator().Transport().RoundTrip(req)
			if err != nil {
				return err
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			fmt.Print(string(body))
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// hello from tomcat1
	// hello from tomcat2
	// hello from tomcat1
}
