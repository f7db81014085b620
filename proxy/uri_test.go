package proxy

import (
	"strings"
	"testing"
)

func TestNormalPath(t *testing.T) {
	for _, c := range []struct {
		raw, want string // want "" is a refusal
	}{
		{"/", "/"},
		{"/a/b.jsp", "/a/b.jsp"},
		{"/a//b///c", "/a/b/c"},
		{"/a/./b/.", "/a/b/"},
		{"/a/../b", "/b"},
		{"/a/b/..", "/a/"},
		{"/a/..", "/"},
		{"/..", ""},
		{"/a/../../b", ""},
		{"/%61%2Fb", "/a/b"},
		{"/a/%2e%2e/b", "/b"},
		{"/a%2", ""},
		{"/a%zz", ""},
		{"/a%00", ""},
		{"/100%25", "/100%"},
		{"/a%3Fb", "/a?b"},
		{"/.hidden/..x/...", "/.hidden/..x/..."},
		{"/index.jsp;jsessionid=1.a", "/index.jsp;jsessionid=1.a"},
		{"//", "/"},
		{"a", ""},
		{"", ""},
		{"*", ""},
	} {
		got, ok := normalPath(c.raw, true)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("normalPath(%q) = %q, %v; want %q", c.raw, got, ok, c.want)
		}
	}
}

func TestEscape(t *testing.T) {
	for path, want := range map[string]string{
		"/a b": "/a%20b", "/100%": "/100%25", "/a?b#c": "/a%3Fb%23c", "/é": "/%C3%A9", "/a;x=1": "/a;x=1",
	} {
		if got := escape(path); got != want {
			t.Errorf("escape(%q) = %q, want %q", path, got, want)
		}
	}
}

func FuzzNormalPath(f *testing.F) {
	for _, s := range []string{"/a/../b", "/%2e%2E/", "//a//", "/a/%2f../.."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		path, ok := normalPath(raw, true)
		if !ok {
			return
		}
		if path[0] != '/' || strings.Contains(path, "//") || strings.Contains(path+"/", "/../") || strings.Contains(path+"/", "/./") {
			t.Errorf("normalPath(%q) = %q is not normal", raw, path)
		}
		if again, ok := normalPath(escape(path), true); !ok || again != path {
			t.Errorf("normalPath(escape(%q)) = %q, %v", path, again, ok)
		}
	})
}
