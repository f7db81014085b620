package sessions

import "testing"

func TestReleasesDifferInWhatTheySave(t *testing.T) {
	tests := []struct {
		name, want, pathname string
		underscore           bool
	}{
		{"10.1", "10.1", "", false},
		{"9", "9", "SESSIONS.ser", false},
		{"9.0", "9", "SESSIONS.ser", false},
		{"8.5", "8.5", "SESSIONS.ser", false},
		{"7.0", "7", "SESSIONS.ser", true},
	}
	for _, tt := range tests {
		r, err := ReleaseNamed(tt.name)
		if err != nil || r.Name != tt.want || r.Pathname != tt.pathname || r.UnderscoreHost != tt.underscore {
			t.Errorf("ReleaseNamed(%q) = %+v, %v, want %+v", tt.name, r, err, tt)
		}
	}
	if _, err := ReleaseNamed("5.5"); err == nil {
		t.Error("ReleaseNamed(5.5) succeeded, want an error")
	}
}
