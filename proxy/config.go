package proxy

import (
	"time"

	"sessionlab/proxy/upstream"
)

// Config is an nginx configuration: the http block. The zero value of every
// setting is nginx's default for the release.
type Config struct {
	Release   string // nginx release, such as "1.22.1" (the default) or "1.31"
	Servers   []Server
	Upstreams []Upstream
	Maps      []Map
	Settings  // of the http level

	// Variables are names that exist and are empty unless a Set says otherwise.
	Variables []string
	// Undefined are variables that a line which is not simulated would define, with
	// that line and its place: whoever uses one is told why there is none.
	Undefined map[string]string
	// Files are the static files by path: root, slash, URI, such as
	// "html/50x.html". nginx's own 50x.html and index.html are there already.
	Files map[string]string
	// Resolve gives the addresses of a host name, without port. Nil, or no
	// address: "host not found in upstream". It is asked once, by New.
	Resolve func(name string) []string
	// RouteOf gives the route in a session id, or "". It fills the variable
	// $route, which nginx itself does not have: the route of the session id in
	// the ;jsessionid= of the URI or else in the cookie SessionCookie.
	// Nil leaves the variable unknown.
	RouteOf func(sessionID string) string
	// SessionCookie is the name of the cookie for RouteOf; "": JSESSIONID.
	SessionCookie string
	// Trace is called with what happens, in the task where it happens. It must not
	// keep the request.
	Trace func(TraceEvent)
}

// Server is a server block.
type Server struct {
	Listen    []int    // ports; none: 80
	Default   []int    // those of them whose default_server it is, where it is not the first of the port
	Names     []string // server_name: exact, "*.example.org", "www.example.*" or "~" and a pattern (RE2 syntax)
	Locations []Location
	Sets      []Set   // set directives, executed before the location is chosen
	Return    *Return // answers every request that no error page was found for
	Settings
	Pos string // "FILE:LINE" for messages; may be empty, here and below
}

// Location is a location block.
type Location struct {
	Modifier  string // "", "=", "^~", "~", "~*", or "@" for a named location
	Path      string // prefix, regular expression (RE2 syntax), or name without the @
	ProxyPass string // "http://GROUP", "http://ADDRESS:PORT", either with a URI part; may hold variables
	Sets      []Set  // set directives, executed before anything else
	Return    *Return
	Internal  bool
	// Locations stand inside this one, and inherit its settings and Internal, but
	// not what it does. There are none in an exact or a named location.
	Locations []Location
	Settings
	Pos string
}

// Set is a set directive: a variable of the configuration's own, or $args, gets
// a value with variables.
type Set struct {
	Variable string // "$name" or "name"
	Value    string
}

// Return is a return directive: a status with a text or a URL, both with
// variables.
type Return struct {
	Status int    // 0 stands for 302
	Text   string // body, or URL for 301, 302, 303, 307 and 308
}

// Flag is on, off, or inherited from the level outside.
type Flag uint8

const (
	Inherit Flag = iota
	On
	Off
)

// Unlimited and None override a number or duration of an outer level with
// nginx's 0; a zero inherits.
const (
	Unlimited = -1
	None      = -1
)

// Settings are the directives that every level may hold; an inner level
// inherits those that it does not set.
type Settings struct {
	NextUpstream        []string      // proxy_next_upstream: default error timeout
	NextUpstreamTries   int           // default no limit
	NextUpstreamTimeout time.Duration // default no limit
	ConnectTimeout      time.Duration // default 60s, as the next two
	SendTimeout         time.Duration
	ReadTimeout         time.Duration // between two reads
	HTTPVersion         string        // proxy_http_version: "1.0" or "1.1"
	SetHeaders          []Header      // proxy_set_header; inherited only as a whole
	HideHeaders         []string      // proxy_hide_header, beside nginx's own
	PassHeaders         []string      // proxy_pass_header
	Redirects           []Redirect    // proxy_redirect; none: default
	InterceptErrors     Flag          // default off
	Buffering           Flag          // proxy_buffering: default on
	BufferSize          int           // proxy_buffer_size: the largest response head; default 4096 bytes
	Buffers             Buffers       // proxy_buffers: what is held in memory for a client that is slower than its server
	MaxTempFileSize     int64         // proxy_max_temp_file_size in bytes: what is held beyond that; default 1 GiB, None for nothing
	ClientSendTimeout   time.Duration // send_timeout: between two writes to the client; default 60s
	BusySize            int           // proxy_busy_buffers_size, likewise; in bytes
	MaxBodySize         int64         // client_max_body_size in bytes: default 1 MiB
	ErrorPages          []ErrorPage   // inherited only as a whole
	RecursivePages      Flag          // recursive_error_pages: default off
	AddHeaders          []Header      // add_header; inherited only as a whole
	Root                string        // default "html"
	DefaultType         string        // default_type: default "text/plain"
	MimeTypes           Flag          // include mime.types: default off, nginx's own three types
	ServerTokens        Flag          // server_tokens: default on

	Method             string  // proxy_method, with variables: default the client's
	SetBody            *string // proxy_set_body, with variables: default the client's
	PassRequestHeaders Flag    // proxy_pass_request_headers: default on
	PassRequestBody    Flag    // proxy_pass_request_body: default on

	CookieDomains        []Redirect    // proxy_cookie_domain; From "off" for none
	CookiePaths          []Redirect    // proxy_cookie_path, likewise
	CookieFlags          []CookieFlags // proxy_cookie_flags, likewise
	AbsoluteRedirect     Flag          // absolute_redirect: default on
	PortInRedirect       Flag          // port_in_redirect: default on
	ServerNameInRedirect Flag          // server_name_in_redirect: default off

	ClientIdleTimeout time.Duration // keepalive_timeout: default 75s, None keeps no client's connection
	ClientIdleHeader  time.Duration // its second argument, in the Keep-Alive header: default none, None for none
	ClientMaxRequests int           // keepalive_requests: default 1000, None keeps no client's connection

	ClientBodyTimeout time.Duration // client_body_timeout: between two reads of a request's body; default 60s

	// Locations have none of these. Those of a port's default server count for the
	// first three, and for the others until the server is known by its name.

	ClientHeaderTimeout time.Duration // client_header_timeout: for the whole head; default 60s

	MergeSlashes  Flag       // merge_slashes: default on
	HeaderBuffer  int        // client_header_buffer_size: default 1024 bytes
	LargeBuffers  Buffers    // large_client_header_buffers: default 4 of 8192 bytes
	Underscores   Flag       // underscores_in_headers: default off
	IgnoreInvalid Flag       // ignore_invalid_headers: default on
	Skipped       []*Skipped // lines that are not simulated
}

// Buffers are a number of buffers and the size of one in bytes; zeros stand for
// the default.
type Buffers struct{ Count, Size int }

// Header is a header line; the value may hold variables, and an empty value
// removes the line.
type Header struct {
	Name, Value string
	Always      bool // add_header: on errors, too
}

// Redirect rewrites the beginning of Location headers, and of the URL in Refresh
// headers. From "default" does what nginx does of itself, "off" nothing; with
// "~" or "~*" before it it is a regular expression (RE2 syntax) whose match
// replaces the whole. Both may hold variables, To captures.
type Redirect struct{ From, To string }

// CookieFlags sets and takes away flags of the first cookie that its Name fits:
// a text with variables, or "~" and a pattern (RE2 syntax). Flags are nginx's
// words, such as "secure", "nohttponly" and "samesite=lax".
type CookieFlags struct {
	Name  string
	Flags []string
}

// ErrorPage is an error_page directive.
type ErrorPage struct {
	Statuses []int
	Replace  Replace
	Status   int    // with ReplaceBy
	URI      string // "/path", "@name" or a URL
}

// Replace says which status the client sees with an error page.
type Replace uint8

const (
	Keep         Replace = iota // error_page 502 /50x.html: the original
	ReplaceBy                   // error_page 502 =200 /50x.html
	FromLocation                // error_page 502 = /50x.html: of what handles the redirect
)

// Upstream is an upstream block.
type Upstream struct {
	Name    string
	Servers []upstream.Server // an Addr whose host is a name is resolved by New
	Method  upstream.Method
	Key     string // hash: the key, with variables
	Sticky  Sticky

	Keepalive         int           // idle connections kept; 0: the release's default, None: none
	KeepaliveRequests int           // 0: 1000
	KeepaliveTime     time.Duration // 0: 1h
	KeepaliveTimeout  time.Duration // 0: 60s

	// BeforeMethod is how many of the servers stand before the method's
	// directive. nginx lets those be backups even of ip_hash, hash and random.
	BeforeMethod int
	Pos          string
}

// Sticky is the sticky directive of an upstream block. The zero value is none.
type Sticky struct {
	Cookie string   // sticky cookie NAME
	Route  []string // sticky route $VARIABLE...
	Learn  Learn

	Expires  time.Duration // attributes of the cookie; 0: a session cookie, None: expired at once
	Domain   string        // may hold variables
	Path     string
	HTTPOnly bool
	Secure   bool
	SameSite string // strict, lax or none, or a text with variables
}

// MaxExpires is "expires=max" of a sticky cookie: the end of the year 2037,
// however late it is now.
const MaxExpires = 2145916555 * time.Second

// Learn is sticky learn: a table of the sessions that servers have opened.
type Learn struct {
	Create  []string      // variables that hold a new session's id, such as $upstream_cookie_JSESSIONID
	Lookup  []string      // variables that hold a known session's id
	Timeout time.Duration // idle time after which a session is forgotten; 0: 10m
	Header  bool          // learn at the response's head, not at its end
}

// Map is a map block: a variable whose value depends on a text.
type Map struct {
	Source   string // such as "$cookie_jsessionid"
	Variable string // "$name" or "name"
	Default  string
	Entries  []MapEntry
	// Hostnames: patterns with a leading dot, or an asterisk at either end, are
	// names of hosts, as in server_name.
	Hostnames bool
	// Volatile: the value is found anew each time that it is needed, not once for
	// a request.
	Volatile bool
	Pos      string
}

// MapEntry is a line of a map. A pattern that begins with "~" or "~*" is a
// regular expression (RE2 syntax), case-sensitive or not; others are compared
// without regard to case. A value may hold variables and captures.
type MapEntry struct{ Pattern, Value string }
