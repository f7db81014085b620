package worldtest

import (
	"bytes"
	"context"
	"io/fs"
	"slices"
	"sync/atomic"

	"sessionlab/lab/world"
)

// read checks the content of a file.
func (r *rig) read(d world.Disk, name, want string) {
	r.t.Helper()
	got, err := d.ReadFile(name)
	if err != nil || string(got) != want {
		r.errorf("ReadFile(%q) = %q, %v, want %q", name, got, err, want)
	}
}

var diskRows = []row{
	{"files are written, replaced and removed", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(context.Context) {
			d := h.Disk()
			_, err := d.ReadFile("SESSIONS.ser")
			r.isError("ReadFile of a missing file", err, fs.ErrNotExist)
			r.isError("Remove of a missing file", d.Remove("SESSIONS.ser"), fs.ErrNotExist)
			for _, content := range []string{"long content", "short", ""} {
				r.must(d.WriteFile("SESSIONS.ser", []byte(content)), "write")
				r.read(d, "SESSIONS.ser", content)
			}
			r.must(d.Remove("SESSIONS.ser"), "remove")
			_, err = d.ReadFile("SESSIONS.ser")
			r.isError("ReadFile of a removed file", err, fs.ErrNotExist)
		})
	}},
	{"list gives names by prefix, sorted", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(context.Context) {
			d := h.Disk()
			if names, err := d.List(""); err != nil || len(names) != 0 {
				r.errorf("List of an empty disk = %v, %v, want none", names, err)
			}
			for _, name := range []string{"work/b.session", "other", "work/a.session", "work/deep/c.session", "workshop"} {
				r.must(d.WriteFile(name, []byte(name)), "write %s", name)
			}
			for _, c := range []struct {
				prefix string
				want   []string
			}{
				{"", []string{"other", "work/a.session", "work/b.session", "work/deep/c.session", "workshop"}},
				{"work", []string{"work/a.session", "work/b.session", "work/deep/c.session", "workshop"}},
				{"work/", []string{"work/a.session", "work/b.session", "work/deep/c.session"}},
				{"work/a", []string{"work/a.session"}},
				{"none", nil},
			} {
				if got, err := d.List(c.prefix); err != nil || !slices.Equal(got, c.want) {
					r.errorf("List(%q) = %v, %v, want %v", c.prefix, got, err, c.want)
				}
			}
		})
	}},
	{"no name leads out of the disk", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(context.Context) {
			d := h.Disk()
			for _, name := range []string{"", ".", "..", "../x", "/x", "a/../../x"} {
				if err := d.WriteFile(name, []byte("x")); err == nil {
					r.errorf("WriteFile(%q): no error", name)
				}
				if _, err := d.ReadFile(name); err == nil {
					r.errorf("ReadFile(%q): no error", name)
				}
				if err := d.Remove(name); err == nil {
					r.errorf("Remove(%q): no error", name)
				}
			}
		})
	}},
	{"each machine has its own disk", func(r *rig) {
		one, two := r.boot("tomcat1"), r.boot("tomcat2")
		r.as(one, func(context.Context) { r.must(one.Disk().WriteFile("x", []byte("one")), "write") })
		r.as(two, func(context.Context) {
			_, err := two.Disk().ReadFile("x")
			r.isError("ReadFile on the other machine", err, fs.ErrNotExist)
		})
	}},
	{"a disk keeps what was written, not the buffer", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(context.Context) {
			d, data := h.Disk(), []byte("kept")
			r.must(d.WriteFile("x", data), "write")
			copy(data, "lost")
			got, err := d.ReadFile("x")
			r.must(err, "read")
			copy(got, "lost")
			r.read(d, "x", "kept")
		})
	}},
	{"a file is replaced as a whole", func(r *rig) {
		h := r.boot("tomcat1")
		one, two := bytes.Repeat([]byte("1"), 1<<16), bytes.Repeat([]byte("2"), 1<<15)
		var written atomic.Bool
		r.as(h, func(context.Context) { r.must(h.Disk().WriteFile("x", one), "write") })
		writer := r.start(h, "writer", func(ctx context.Context) {
			for range 50 {
				r.must(h.Disk().WriteFile("x", two), "write")
				r.must(h.Sleep(ctx, 0), "yield")
				r.must(h.Disk().WriteFile("x", one), "write")
			}
			written.Store(true)
		})
		r.as(h, func(ctx context.Context) {
			for !written.Load() {
				got, err := h.Disk().ReadFile("x")
				if err != nil || !bytes.Equal(got, one) && !bytes.Equal(got, two) {
					r.stop("a file that is being replaced reads as %d bytes, %v", len(got), err)
				}
				r.must(h.Sleep(ctx, tick/10), "sleep")
			}
		})
		writer.wait()
	}},
	{"a disk outlives its machine", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(context.Context) { r.must(h.Disk().WriteFile("work/x", []byte("kept")), "write") })
		r.kill("tomcat1")
		next := r.boot("tomcat1")
		r.as(next, func(context.Context) { r.read(next.Disk(), "work/x", "kept") })
	}},
	{"the operator reads a disk whose machine is down", func(r *rig) {
		h := r.boot("tomcat1")
		r.as(h, func(context.Context) { r.must(h.Disk().WriteFile("work/x", []byte("kept")), "write") })
		r.kill("tomcat1")
		data, err := r.w.ReadDisk("tomcat1", "work/x")
		if err != nil || string(data) != "kept" {
			r.errorf("ReadDisk of a machine that is down = %q, %v, want %q", data, err, "kept")
		}
		_, err = r.w.ReadDisk("tomcat1", "work/y")
		r.isError("ReadDisk of no file", err, fs.ErrNotExist)
		_, err = r.w.ReadDisk("tomcat9", "work/x")
		r.isError("ReadDisk of no machine", err, fs.ErrNotExist)
	}},
	{"a dead host cannot touch its disk", func(r *rig) {
		h := r.boot("tomcat1")
		d := h.Disk()
		r.as(h, func(context.Context) { r.must(d.WriteFile("x", []byte("kept")), "write") })
		r.kill("tomcat1")
		r.isError("WriteFile", d.WriteFile("x", []byte("late")), world.ErrHostDown)
		r.isError("Remove", d.Remove("x"), world.ErrHostDown)
		_, err := d.ReadFile("x")
		r.isError("ReadFile", err, world.ErrHostDown)
		_, err = d.List("")
		r.isError("List", err, world.ErrHostDown)
		next := r.boot("tomcat1")
		r.isError("WriteFile after reboot", d.WriteFile("x", []byte("late")), world.ErrHostDown)
		r.as(next, func(context.Context) { r.read(next.Disk(), "x", "kept") })
	}},
}
