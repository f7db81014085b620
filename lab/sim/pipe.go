package sim

import "sessionlab/lab/world"

// pipe is the body of one message: what was written and not read yet. Positions
// are counted in bytes from the beginning of the body.
type pipe struct {
	bytes []byte // those that are in no run; what is unread lies from start on
	start int
	runs  []placedRun // unread, in order
	// 0 <= read <= written.
	written, read int64
}

// placedRun is a run and the position at which it begins.
type placedRun struct {
	at int64
	world.Run
}

func (p *pipe) reset() {
	p.bytes, p.start, p.runs = p.bytes[:0], 0, p.runs[:0]
	p.written, p.read = 0, 0
}

// room is how much more can be written, at most world.BodyWindow.
func (p *pipe) room() int64 { return world.BodyWindow - (p.written - p.read) }

// roomy reports whether there is so much room that a writer who waits is worth
// being woken.
func (p *pipe) roomy() bool { return p.room() >= world.BodyWindow/2 }

func (p *pipe) put(b []byte) {
	if p.start > 0 && len(p.bytes)+len(b) > cap(p.bytes) {
		p.bytes, p.start = append(p.bytes[:0], p.bytes[p.start:]...), 0
	}
	p.bytes = append(p.bytes, b...)
	p.written += int64(len(b))
}

func (p *pipe) putRun(r world.Run) {
	if last := len(p.runs) - 1; last >= 0 && p.runs[last].Byte == r.Byte && p.runs[last].at+p.runs[last].Length == p.written {
		p.runs[last].Length += r.Length
	} else {
		p.runs = append(p.runs, placedRun{p.written, r})
	}
	p.written += r.Length
}

// take reads bytes into b, or a run. It goes up to the position limit, which is
// behind read.
func (p *pipe) take(b []byte, limit int64) (n int, run world.Run) {
	if len(p.runs) > 0 {
		r := &p.runs[0]
		if r.at == p.read {
			run = world.Run{Byte: r.Byte, Length: min(r.Length, limit-r.at)}
			p.drop(run.Length)
			return 0, run
		}
		limit = min(limit, r.at)
	}
	if want := limit - p.read; want < int64(len(b)) {
		b = b[:want]
	}
	n = copy(b, p.bytes[p.start:])
	p.read += int64(n)
	if p.start += n; p.start == len(p.bytes) {
		p.bytes, p.start = p.bytes[:0], 0
	}
	return n, world.Run{}
}

// drop takes the next n bytes, which are of a run, away.
func (p *pipe) drop(n int64) {
	r := &p.runs[0]
	r.at, r.Length = r.at+n, r.Length-n
	p.read += n
	if r.Length == 0 {
		p.runs = p.runs[:copy(p.runs, p.runs[1:])]
	}
}

// takeBytes is take for who wants bytes only.
func (p *pipe) takeBytes(b []byte, limit int64) int {
	if len(p.runs) > 0 && p.runs[0].at == p.read {
		r := p.runs[0]
		n, _ := world.Run{Byte: r.Byte, Length: min(r.Length, limit-r.at)}.Fill(b)
		p.drop(int64(n))
		return n
	}
	n, _ := p.take(b, limit)
	return n
}
