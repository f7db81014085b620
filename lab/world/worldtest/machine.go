package worldtest

import (
	"context"

	"sessionlab/lab/world"
)

var machineRows = []row{
	{"boot gives a host with name and address", func(r *rig) {
		same(r, "Up before boot", r.w.Up("tomcat1"), false)
		h := r.boot("tomcat1")
		same(r, "Name", h.Name(), "tomcat1")
		same(r, "Addr", h.Addr(), "172.16.12.101")
		same(r, "Up after boot", r.w.Up("tomcat1"), true)
	}},
	{"a machine that is up cannot be booted", func(r *rig) {
		r.boot("tomcat1")
		if _, err := r.w.Boot("tomcat1", addresses["tomcat1"]); err == nil {
			r.errorf("second boot of a machine that is up: no error")
		}
		same(r, "Up after a refused boot", r.w.Up("tomcat1"), true)
	}},
	{"a machine that is down cannot be killed", func(r *rig) {
		if err := r.w.Kill("tomcat1"); err == nil {
			r.errorf("kill of an unknown machine: no error")
		}
		r.boot("tomcat1")
		r.kill("tomcat1")
		if err := r.w.Kill("tomcat1"); err == nil {
			r.errorf("second kill: no error")
		}
		same(r, "Up after kill", r.w.Up("tomcat1"), false)
	}},
	{"a name keeps its address", func(r *rig) {
		r.boot("tomcat1")
		r.kill("tomcat1")
		if _, err := r.w.Boot("tomcat1", "172.16.12.199"); err == nil {
			r.errorf("boot under another address: no error")
		}
		h := r.boot("tomcat1")
		same(r, "Addr after reboot", h.Addr(), "172.16.12.101")
		same(r, "Up after reboot", r.w.Up("tomcat1"), true)
	}},
	{"a paused machine is up", func(r *rig) {
		r.boot("tomcat1")
		r.pause("tomcat1")
		same(r, "Up while paused", r.w.Up("tomcat1"), true)
		r.resume("tomcat1")
		same(r, "Up after resume", r.w.Up("tomcat1"), true)
	}},
	{"the operator is a host too", func(r *rig) {
		h := r.boot("tomcat1")
		r.serve(h, hello)
		r.as(r.op, func(ctx context.Context) {
			a := r.get(ctx, r.dialHTTP(ctx, r.op, web(h)), "/")
			r.outcome("operator's request", a.err, h.Addr(), world.OK)
			same(r, "body", a.body, "hello")
		})
	}},
}
