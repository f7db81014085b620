package proxy

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// installed is the version of the nginx that is installed. The test is skipped
// unless it is one of 1.22, whose behaviour is recorded.
func installed(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("nginx", "-v").CombinedOutput()
	if err != nil {
		t.Skip("nginx is not installed")
	}
	_, version, _ := strings.Cut(strings.TrimSpace(string(out)), "nginx/")
	if !strings.HasPrefix(version, "1.22.") {
		t.Skipf("nginx %s is installed, 1.22 is what was recorded", version)
	}
	return version
}

// startNginx starts nginx on an address of 127.0.0.0/8 in front of a server, as
// the group jspserver, and ends it with the test.
func startNginx(t testing.TB, server string) (addr string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = free.Addr().String()
	free.Close()
	dir := t.TempDir()
	conf := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log; events {}
http {
  access_log off; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c;
  uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
  upstream jspserver { server %[3]s; }
  server { listen %[2]s; location / { proxy_pass http://jspserver; proxy_http_version 1.1; } }
}
`, dir, addr, server)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	process := exec.Command("nginx", "-c", path, "-p", dir, "-e", filepath.Join(dir, "error.log"))
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	for range 200 {
		if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			c.Close()
			return addr
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nginx did not open its port within two seconds")
	return ""
}
