package sessions

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

func TestIDIsThirtyTwoHexDigitsAndTheRoute(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 2))
	tests := []struct{ route, want string }{
		{"", `^[0-9A-F]{32}$`},
		{"tomcat1", `^[0-9A-F]{32}\.tomcat1$`},
		{"dc1.tomcat1", `^[0-9A-F]{32}\.dc1\.tomcat1$`},
	}
	for _, tt := range tests {
		id := NewID(source, DefaultSessionIDLength, tt.route)
		if !regexp.MustCompile(tt.want).MatchString(id) {
			t.Errorf("NewID with route %q = %q, want match of %s", tt.route, id, tt.want)
		}
		if got := RouteOf(id); got != tt.route {
			t.Errorf("RouteOf(%q) = %q, want %q", id, got, tt.route)
		}
	}
}

func TestRouteStartsAfterTheFirstDot(t *testing.T) {
	tests := []struct{ id, base, route, renamed string }{
		{"AB.n1", "AB", "n1", "AB.x"},
		{"AB.dc1.n1", "AB", "dc1.n1", "AB.x"},
		{"AB", "AB", "", "AB.x"},
		{"AB.", "AB", "", "AB.x"},
		{".n1", ".n1", "", ".n1.x"}, // nothing before the dot: no route
		{"", "", "", ".x"},
	}
	for _, tt := range tests {
		if got := RouteOf(tt.id); got != tt.route {
			t.Errorf("RouteOf(%q) = %q, want %q", tt.id, got, tt.route)
		}
		if got := Base(tt.id); got != tt.base {
			t.Errorf("Base(%q) = %q, want %q", tt.id, got, tt.base)
		}
		if got := WithRoute(tt.id, "x"); got != tt.renamed {
			t.Errorf("WithRoute(%q, x) = %q, want %q", tt.id, got, tt.renamed)
		}
		if got := WithRoute(tt.id, ""); got != tt.base {
			t.Errorf("WithRoute(%q, none) = %q, want %q", tt.id, got, tt.base)
		}
	}
}
