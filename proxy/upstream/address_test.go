package upstream

import "testing"

func TestAddressesAreReadAsNginxReadsThem(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.1": "10.0.0.1", "10.0.0.01": "10.0.0.1", "10.0..1": "10.0.0.1", "255.255.255.255": "255.255.255.255",
		"10.0.0.256": "", "10.0.0": "", "10.0.0.1.2": "", "tomcat1": "", "10.0.0.-1": "", "10.0.0.1x": "", "": "",
	} {
		addr, ok := ParseIPv4(text)
		got := ""
		if ok {
			got = addr.String()
		}
		if got != want {
			t.Errorf("ParseIPv4(%q) = %q, want %q", text, got, want)
		}
	}
}
