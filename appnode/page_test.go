package appnode

import "testing"

func TestParsePageReadsWhatThePageShows(t *testing.T) {
	const page = `
<html>
  <head><title>test.tomcat2</title></head>
  <body>
    <h1><font color="blue">test.tomcat2.org</font></h1>
    <table align="center" border="1">
      <tr>
        <td>Session ID</td>
        <td>AB12.tomcat2</td>
      </tr>`
	for _, c := range []struct {
		body, node, session string
		ok                  bool
	}{
		{page, "tomcat2", "AB12.tomcat2", true},
		{"<html><head><title>502 Bad Gateway</title></head></html>", "", "", false},
		{"<title>test.tomcat2</title>", "", "", false},
		{"", "", "", false},
	} {
		node, session, ok := ParsePage([]byte(c.body))
		if ok != c.ok || ok && (string(node) != c.node || string(session) != c.session) {
			t.Errorf("ParsePage(%.30q) = %q, %q, %v; want %q, %q, %v", c.body, node, session, ok, c.node, c.session, c.ok)
		}
	}
}
