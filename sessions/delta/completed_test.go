package delta

import "testing"

func TestWhatTheEndOfARequestSends(t *testing.T) {
	const now = 1_000_000_000
	for _, tt := range []struct {
		name string
		s    standing
		want Kind
	}{
		{"a changed primary copy", standing{Dirty: true, Primary: true, MaxInactive: 60, LastReplicated: now}, Delta},
		{"a changed copy that was not primary", standing{Dirty: true, MaxInactive: 60, LastReplicated: now}, Delta},
		{"a changed copy, long not replicated", standing{Dirty: true, Primary: true, MaxInactive: 60}, Delta},
		{"a read of a primary copy", standing{Primary: true, MaxInactive: 60, LastReplicated: now}, 0},
		{"a read of another copy", standing{MaxInactive: 60, LastReplicated: now}, Accessed},
		{"a read one interval after the last message", standing{Primary: true, MaxInactive: 60, LastReplicated: now - 60_000}, 0},
		{"a read a millisecond later", standing{Primary: true, MaxInactive: 60, LastReplicated: now - 60_001}, Accessed},
		{"a read of a session that never expires", standing{Primary: true, MaxInactive: -1}, 0},
		{"a second read in one millisecond, interval 0", standing{Primary: true, LastReplicated: now}, 0},
		{"any later read, interval 0", standing{Primary: true, LastReplicated: now - 1}, Accessed},
		{"a read after the clock went back", standing{Primary: true, MaxInactive: 60, LastReplicated: now + 3_600_000}, 0},
	} {
		tt.s.Now = now
		if got := completed(tt.s); got != tt.want {
			t.Errorf("%s: %+v sends %v, want %v", tt.name, tt.s, got, tt.want)
		}
	}
}
