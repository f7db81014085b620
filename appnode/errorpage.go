package appnode

import (
	"fmt"
	"html"
	"net/http"

	"sessionlab/lab/world"
)

// sendStatus answers with a status and nothing else: an error page from 400 on.
func (r *Request) sendStatus(status int) {
	if status >= http.StatusBadRequest {
		r.sendError(status, "", nil)
	} else {
		r.response.reset(status)
	}
}

// sendError replaces the answer by an error page; cause is the exception behind
// it, if there is one. If the head has left, all that is left to do is to break
// the connection off, so that the client can tell.
// Source: Tomcat ErrorReportValve.java.
func (r *Request) sendError(status int, message string, cause error) {
	p := &r.response
	if !p.reset(status) {
		p.flush()
		p.cutOff(world.Cut)
		return
	}
	p.contentType, p.language = typeError, "en"
	reason := http.StatusText(status)
	kind := "Status Report"
	if cause != nil {
		kind, message = "Exception Report", cause.Error()
	}
	title := fmt.Sprintf("HTTP Status %d – %s", status, reason)
	page := `<!doctype html><html lang="en"><head><title>` + title + `</title></head><body><h1>` + title + `</h1>` +
		`<hr class="line" /><p><b>Type</b> ` + kind + `</p>`
	if message != "" {
		page += `<p><b>Message</b> ` + html.EscapeString(message) + `</p>`
	}
	if d := descriptions[status]; d != "" {
		page += `<p><b>Description</b> ` + d + `</p>`
	}
	page += `<hr class="line" /><h3>Apache Tomcat/` + r.node.cfg.Release.Name + ` (sessionlab)</h3></body></html>`
	p.write([]byte(page))
}

// Source: Tomcat LocalStrings.properties of org.apache.catalina.valves.
var descriptions = map[int]string{
	http.StatusBadRequest: "The server cannot or will not process the request due to something that is perceived to be a client error " +
		"(e.g., malformed request syntax, invalid request message framing, or deceptive request routing).",
	http.StatusNotFound:            "The origin server did not find a current representation for the target resource or is not willing to disclose that one exists.",
	http.StatusInternalServerError: "The server encountered an unexpected condition that prevented it from fulfilling the request.",
	http.StatusServiceUnavailable: "The server is currently unable to handle the request due to a temporary overload or scheduled maintenance, " +
		"which will likely be alleviated after some delay.",
}
