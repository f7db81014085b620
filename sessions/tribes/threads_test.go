package tribes

import "testing"

func TestThreadsGrowOnlyWhenAllAreBusy(t *testing.T) {
	for _, c := range []struct {
		name       string
		size, jobs int
		want       bool
	}{
		{"the first", 0, 0, true},
		{"core threads come first, even beside an idle one", 1, 0, true},
		{"one of two is idle", 2, 1, false},
		{"both busy", 2, 2, true},
		{"nine busy", 9, 9, true},
		{"at maxThreads the job waits", 10, 10, false},
		{"and so do others", 10, 50, false},
	} {
		p := &threads[int]{core: 2, max: 10, size: c.size, jobs: c.jobs}
		if got := p.grow(); got != c.want {
			t.Errorf("%s: grow with %d threads and %d jobs = %v, want %v", c.name, c.size, c.jobs, got, c.want)
		}
	}
}
