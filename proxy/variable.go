package proxy

import (
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// variables are nginx's by name.
//
// Source: nginx ngx_http_variables.c, ngx_http_proxy_module.c,
// ngx_http_upstream.c.
var variables = map[string]variable{
	"uri":             func(x *exchange) string { return x.uri },
	"document_uri":    func(x *exchange) string { return x.uri },
	"request_uri":     func(x *exchange) string { return x.rawURI },
	"args":            func(x *exchange) string { return x.args },
	"query_string":    func(x *exchange) string { return x.args },
	"is_args":         func(x *exchange) string { return mark(x.args) },
	"host":            func(x *exchange) string { return x.hostName() },
	"server_name":     func(x *exchange) string { return x.srv.name() },
	"server_port":     func(x *exchange) string { return strconv.Itoa(x.port) },
	"server_addr":     func(x *exchange) string { return x.p.host.Addr() },
	"server_protocol": func(x *exchange) string { return x.r.Proto },
	"scheme":          func(*exchange) string { return "http" },
	"request_method":  func(x *exchange) string { return x.method },
	"request":         (*exchange).requestLine,
	"remote_addr":     func(x *exchange) string { return clientHost(x.r.RemoteAddr) },
	"remote_port": func(x *exchange) string {
		return x.r.RemoteAddr[strings.LastIndexByte(x.r.RemoteAddr, ':')+1:]
	},
	"content_type":              func(x *exchange) string { return x.r.Header.Get("Content-Type") },
	"content_length":            contentLength,
	"hostname":                  func(x *exchange) string { return x.p.host.Name() },
	"nginx_version":             func(x *exchange) string { return strings.TrimPrefix(x.p.release.version, "nginx/") },
	"status":                    func(x *exchange) string { return fmt.Sprintf("%03d", x.sentStatus()) },
	"proxy_host":                func(x *exchange) string { return x.proxyHost },
	"proxy_port":                func(x *exchange) string { return portText(x.proxyHost) },
	"proxy_add_x_forwarded_for": forwardedFor,
	"binary_remote_addr":        func(x *exchange) string { return string(x.clientAddr()) },
	"remote_user":               remoteUser,
	"https":                     func(*exchange) string { return "" },
	"request_body":              (*exchange).requestBody,
	"request_id":                requestID,
	"msec":                      func(x *exchange) string { return milliseconds(x.p.host.Now()) },
	"time_local":                func(x *exchange) string { return x.p.host.Now().Format("02/Jan/2006:15:04:05 -0700") },
	"time_iso8601":              func(x *exchange) string { return x.p.host.Now().Format("2006-01-02T15:04:05-07:00") },
	"bytes_sent":                nothingSent,
	"body_bytes_sent":           nothingSent,
	"request_completion":        func(*exchange) string { return "" },
	"pipe":                      func(*exchange) string { return "." },
	"connection_requests": func(x *exchange) string {
		if x.keeper == nil {
			return "1"
		}
		return strconv.Itoa(x.keeper.Served() + 1)
	},
	"upstream_addr":   func(x *exchange) string { return x.upstreamAddr() },
	"upstream_status": func(x *exchange) string { return x.upstreamStatus() },
}

// variable finds a variable by its name, which is not case-sensitive.
func (c *compiler) variable(name string) (variable, error) {
	if len(name) == 1 && '1' <= name[0] && name[0] <= '9' {
		n := int(name[0] - '0')
		return func(x *exchange) string { return x.capture(n) }, nil
	}
	name = strings.ToLower(name)
	if v := c.own[name]; v != nil {
		return v, nil
	}
	if v := variables[name]; v != nil {
		return v, nil
	}
	if name == "route" && c.config.RouteOf != nil {
		return func(x *exchange) string { return x.p.config.RouteOf(x.sessionID()) }, nil
	}
	for prefix, family := range families {
		if key, ok := strings.CutPrefix(name, prefix); ok && key != "" {
			return family(c, key), nil
		}
	}
	if line := c.config.Undefined[name]; line != "" {
		return nil, fmt.Errorf(`unknown "%s" variable (%s, which would define it, is not simulated)`, name, line)
	}
	return nil, fmt.Errorf(`unknown "%s" variable`, name)
}

// families are the variables whose name ends with what is looked up. No prefix
// is the beginning of another.
var families = map[string]func(c *compiler, key string) variable{
	"cookie_": func(_ *compiler, key string) variable {
		return func(x *exchange) string { return cookie(x.r.Header["Cookie"], key) }
	},
	"arg_": func(_ *compiler, key string) variable {
		return func(x *exchange) string { return argument(x.args, key) }
	},
	"http_": func(c *compiler, key string) variable {
		name := headerName(key)
		if name == "Host" {
			return func(x *exchange) string { return x.r.Host }
		}
		join := ""
		switch {
		case name == "Cookie":
			join = "; "
		case c.release.joinHeaders || name == "X-Forwarded-For":
			join = ", "
		}
		return func(x *exchange) string { return lines(x.headerLines(name), join) }
	},
	"sent_http_": func(_ *compiler, key string) variable {
		name := headerName(key)
		return func(x *exchange) string { return lines(x.w.Header()[name], ", ") }
	},
	"upstream_http_": func(_ *compiler, key string) variable {
		name := headerName(key)
		return func(x *exchange) string {
			if x.resp == nil {
				return ""
			}
			return lines(x.resp.Header[name], "")
		}
	},
	"upstream_cookie_": func(_ *compiler, key string) variable {
		return func(x *exchange) string {
			if x.resp == nil {
				return ""
			}
			return setCookie(x.resp.Header["Set-Cookie"], key)
		}
	},
}

// requestLine is $request: as the client has sent it.
func (x *exchange) requestLine() string {
	target := or(x.r.RequestURI, x.rawURI)
	if x.r.ProtoMajor == 0 {
		return x.r.Method + " " + target
	}
	return x.r.Method + " " + target + " " + x.r.Proto
}

// contentLength is $content_length: the header, or how long a body in chunks has
// turned out to be. One that is dropped counts for nothing.
//
// Source: nginx ngx_http_variables.c, ngx_http_variable_content_length.
func contentLength(x *exchange) string {
	if values := x.r.Header["Content-Length"]; len(values) > 0 {
		return values[0]
	}
	if len(x.r.TransferEncoding) > 0 && x.bodyRead {
		return strconv.FormatInt(x.body.size, 10)
	}
	return ""
}

// nothingSent is $bytes_sent where it can be asked for: no text of a
// configuration is made behind the head of the answer, and no log is written.
func nothingSent(*exchange) string { return "0" }

// headerLines are the lines of a request's header. Where names with underscores
// count, these stand for hyphens.
//
// Source: nginx ngx_http_variables.c, ngx_http_variable_unknown_header.
func (x *exchange) headerLines(name string) []string {
	values := x.r.Header[name]
	if values != nil || !x.srv.settings.headers.valid("_") || strings.IndexByte(name, '-') < 0 {
		return values
	}
	found := ""
	for other := range x.r.Header {
		if strings.EqualFold(strings.ReplaceAll(other, "_", "-"), name) && (found == "" || other < found) {
			found = other
		}
	}
	return x.r.Header[found]
}

func mark(args string) string {
	if args == "" {
		return ""
	}
	return "?"
}

// headerName is the header that $http_name means.
func headerName(key string) string {
	return textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(key, "_", "-"))
}

// lines are the lines of a header joined, or the first one if join is "".
func lines(values []string, join string) string {
	switch {
	case len(values) == 0:
		return ""
	case len(values) == 1 || join == "":
		return values[0]
	}
	return strings.Join(values, join)
}

// cookie finds a cookie by a name that is not case-sensitive: the first of
// that name counts.
//
// Source: nginx ngx_http_parse.c, ngx_http_parse_multi_header_lines.
func cookie(headers []string, name string) string {
	for _, line := range headers {
		for line != "" {
			if len(line) > len(name) && (line[:len(name)] == name || strings.EqualFold(line[:len(name)], name)) {
				if value, ok := strings.CutPrefix(strings.TrimLeft(line[len(name):], " "), "="); ok {
					value, _, _ = strings.Cut(value, ";")
					return strings.TrimLeft(value, " ")
				}
			}
			i := strings.IndexAny(line, ";,")
			if i < 0 {
				break
			}
			line = strings.TrimLeft(line[i+1:], " ")
		}
	}
	return ""
}

// setCookie finds the value that a response gives to a cookie.
//
// Source: nginx ngx_http_parse.c, ngx_http_parse_set_cookie_lines.
func setCookie(headers []string, name string) string {
	for _, line := range headers {
		if len(line) > len(name) && strings.EqualFold(line[:len(name)], name) {
			if value, ok := strings.CutPrefix(strings.TrimLeft(line[len(name):], " "), "="); ok {
				value, _, _ = strings.Cut(value, ";")
				return strings.TrimLeft(value, " ")
			}
		}
	}
	return ""
}

// argument finds an argument by a name that is not case-sensitive; its value is
// not decoded.
//
// Source: nginx ngx_http_variables.c, ngx_http_arg.
func argument(args, name string) string {
	for args != "" {
		var pair string
		pair, args, _ = strings.Cut(args, "&")
		if len(pair) > len(name) && pair[len(name)] == '=' && strings.EqualFold(pair[:len(name)], name) {
			return pair[len(name)+1:]
		}
	}
	return ""
}

// clientHost is an address without its port.
func clientHost(addr string) string {
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return addr
	}
	return strings.Trim(addr[:i], "[]")
}

// portText is the port of "host[:port]", 80 if there is none.
func portText(hostport string) string {
	if i := strings.LastIndexByte(hostport, ':'); i >= 0 {
		return hostport[i+1:]
	}
	return "80"
}

// forwardedFor is the client's own X-Forwarded-For with the client's address
// behind it.
func forwardedFor(x *exchange) string {
	addr := clientHost(x.r.RemoteAddr)
	if sent := lines(x.r.Header["X-Forwarded-For"], ", "); sent != "" {
		return sent + ", " + addr
	}
	return addr
}

// remoteUser is the name that the client gives for basic authentication.
func remoteUser(x *exchange) string {
	name, _, _ := x.r.BasicAuth()
	return name
}

// requestID is a random name of the request, the same each time it is asked
// for.
func requestID(x *exchange) string {
	if x.requestID == "" {
		r := x.p.host.Rand("request_id", x.p.host.Name(), x.identity())
		x.requestID = fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
	}
	return x.requestID
}

// milliseconds is a time in seconds of the epoch, with three decimals.
func milliseconds(t time.Time) string {
	return fmt.Sprintf("%d.%03d", t.Unix(), t.Nanosecond()/int(time.Millisecond))
}

// sessionID is the session's id in the URI's path parameter, or else in the
// cookie.
func (x *exchange) sessionID() string {
	if _, id, ok := strings.Cut(x.uri, ";jsessionid="); ok {
		if i := strings.IndexAny(id, ";/"); i >= 0 {
			id = id[:i]
		}
		return id
	}
	return cookie(x.r.Header["Cookie"], or(x.p.config.SessionCookie, "JSESSIONID"))
}
