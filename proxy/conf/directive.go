package conf

import (
	"time"

	"sessionlab/proxy"
)

// directive is what is done with a directive in some contexts.
type directive struct {
	name   string
	mask   mask
	once   bool                           // a second one in the same block is a duplicate
	apply  func(*reader, statement) error // nil: accepted without effect
	effect string                         // what it does here
}

// stickySince is the release in which sticky, route= and drain became open
// source; keepaliveSince the one that keeps connections unless told otherwise.
const (
	stickySince    = 2906
	keepaliveSince = 2907
)

// directives is all that Read understands. It is a function because the
// directives that open a block lead back to it.
func directives() []directive {
	return []directive{
		// The frame.
		{"events", inMain | aBlock | noArguments, true, (*reader).eventsBlock, "must be there"},
		{"http", inMain | aBlock | noArguments, true, (*reader).http, "the proxy"},
		{"upstream", inHTTP | aBlock | take1, false, (*reader).upstreamBlock, "a group of servers"},
		{"map", inHTTP | aBlock | take2, false, (*reader).mapBlock, "a variable; patterns are RE2"},
		{"server", inHTTP | aBlock | noArguments, false, (*reader).serverBlock, "a virtual server"},
		{"location", inServer | inLocation | aBlock | take1 | take2, false, (*reader).locationBlock, "a location"},
		{"include", inMain | inEvents | inAnyLevel | inUpstream | take1, false, (*reader).include,
			"mime.types only, without effect"},

		// Processes.
		{"worker_processes", inMain | take1, true, (*reader).workerProcesses, "one worker is simulated"},
		{"worker_connections", inEvents | take1, true, (*reader).workerConnections, "no limit is simulated"},
		{"multi_accept", inEvents | aFlag, true, nil, "no effect: connections are accepted at once"},
		{"use", inEvents | take1, true, nil, "no effect: there is no polling"},
		{"accept_mutex", inEvents | aFlag, true, nil, "no effect: one worker is simulated"},
		{"user", inMain | take1 | take2, true, nil, "no effect: there are no system users"},
		{"pid", inMain | take1, true, nil, "no effect: there is no process of its own"},
		{"daemon", inMain | aFlag, true, nil, "no effect: there is no process of its own"},
		{"worker_rlimit_nofile", inMain | take1, true, nil, "no effect: descriptors are not counted"},
		{"worker_cpu_affinity", inMain | oneOrMore, true, nil, "no effect: one worker is simulated"},

		// Servers and locations.
		{"listen", inServer | oneOrMore, false, (*reader).listen, "a port"},
		{"server_name", inServer | oneOrMore, false, (*reader).serverName, "names, exact or with an asterisk"},
		{"set", inServer | inLocation | take2, false, (*reader).set, "gives a variable a value"},
		{"return", inServer | inLocation | take1 | take2, false, (*reader).returns, "answers at once"},
		{"internal", inLocation | noArguments, false, (*reader).internal, "404 for clients"},
		{"proxy_pass", inLocation | take1, false, (*reader).proxyPass, "passes requests on; http only"},
		{"error_page", inAnyLevel | twoOrMore, false, (*reader).errorPage, "a page for errors"},
		{"recursive_error_pages", inAnyLevel | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.RecursivePages }), "on: a page that fails has its error page"},
		{"add_header", inAnyLevel | take2 | take3, false, (*reader).addHeader, "adds a header to answers"},
		{"root", inAnyLevel | take1, true, (*reader).root, "prefix of the files of the lab"},
		{"index", inAnyLevel | oneOrMore, false, (*reader).index, "index.html only"},
		{"send_timeout", inAnyLevel | take1, true, timeOf(func(s *settings) *time.Duration { return &s.ClientSendTimeout }), "limit between two writes to the client"},
		{"client_max_body_size", inAnyLevel | take1, true, sizeOf(func(s *settings) *int64 { return &s.MaxBodySize }), "413 above"},
		{"keepalive_timeout", inAnyLevel | take1 | take2, true, (*reader).clientTimeout,
			"idle time of a client's connection, and what the Keep-Alive header says of it"},
		{"keepalive_requests", inAnyLevel | take1, true, numberOf(func(s *settings) *int { return &s.ClientMaxRequests }),
			"requests on a client's connection"},
		{"absolute_redirect", inAnyLevel | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.AbsoluteRedirect }), "off: redirects of its own name no host"},
		{"port_in_redirect", inAnyLevel | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.PortInRedirect }), "off: nor a port"},
		{"server_name_in_redirect", inAnyLevel | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.ServerNameInRedirect }), "on: they name the server, not the Host"},
		{"merge_slashes", inHTTP | inServer | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.MergeSlashes }), "off: several slashes stay several"},
		{"underscores_in_headers", inHTTP | inServer | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.Underscores }), "on: such headers count"},
		{"ignore_invalid_headers", inHTTP | inServer | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.IgnoreInvalid }), "off: odd header names count"},
		{"client_header_buffer_size", inHTTP | inServer | take1, true, (*reader).bufferSize, "where the lines of a head go first"},
		{"large_client_header_buffers", inHTTP | inServer | take2, true, (*reader).buffers, "how many more, and the longest line"},

		// Upstreams.
		{"server", inUpstream | oneOrMore, false, (*reader).upstreamServer, "a server of the group"},
		{"ip_hash", inUpstream | noArguments, false, (*reader).method, "by the client's address"},
		{"least_conn", inUpstream | noArguments, false, (*reader).method, "fewest requests in flight"},
		{"hash", inUpstream | take1 | take2, false, (*reader).method, "by a key"},
		{"random", inUpstream | noArguments | take1 | take2, false, (*reader).method, "by lot"},
		{"sticky", inUpstream | twoOrMore, true, (*reader).sticky, "binds clients to servers, from 1.29.6 on"},
		{"zone", inUpstream | take1 | take2, false, (*reader).zone, "no effect: one worker is simulated"},
		{"keepalive", inUpstream | take1 | take2, true, (*reader).keepalive, "idle connections kept"},
		{"keepalive_requests", inUpstream | take1, true, (*reader).upstreamSetting, "requests on a connection"},
		{"keepalive_time", inUpstream | take1, true, (*reader).upstreamSetting, "age of a connection"},
		{"keepalive_timeout", inUpstream | take1, true, (*reader).upstreamSetting, "idle time of a connection"},

		// Proxying.
		{"proxy_next_upstream", inAnyLevel | oneOrMore, true, (*reader).nextUpstream, "when to try the next server"},
		{"proxy_next_upstream_tries", inAnyLevel | take1, true, numberOf(func(s *settings) *int { return &s.NextUpstreamTries }), "how often"},
		{"proxy_next_upstream_timeout", inAnyLevel | take1, true, timeOf(func(s *settings) *time.Duration { return &s.NextUpstreamTimeout }), "how long"},
		{"proxy_connect_timeout", inAnyLevel | take1, true, timeOf(func(s *settings) *time.Duration { return &s.ConnectTimeout }), "limit of connecting"},
		{"proxy_send_timeout", inAnyLevel | take1, true, timeOf(func(s *settings) *time.Duration { return &s.SendTimeout }), "limit of sending"},
		{"proxy_read_timeout", inAnyLevel | take1, true, timeOf(func(s *settings) *time.Duration { return &s.ReadTimeout }), "limit between two reads"},
		{"proxy_http_version", inAnyLevel | take1, true, (*reader).httpVersion, "1.0 or 1.1"},
		{"proxy_set_header", inAnyLevel | take2, false, (*reader).setHeader, "a header of the passed request"},
		{"proxy_method", inAnyLevel | take1, true, (*reader).setMethod, "the method of the passed request"},
		{"proxy_set_body", inAnyLevel | take1, true, (*reader).setBody, "its body"},
		{"proxy_pass_request_headers", inAnyLevel | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.PassRequestHeaders }), "off: the client's headers stay here"},
		{"proxy_pass_request_body", inAnyLevel | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.PassRequestBody }), "off: and so does its body, and its length"},
		{"proxy_hide_header", inAnyLevel | take1, false, (*reader).hideHeader, "drops a header of answers"},
		{"proxy_pass_header", inAnyLevel | take1, false, (*reader).hideHeader, "keeps one that is hidden"},
		{"proxy_redirect", inAnyLevel | take1 | take2, false, (*reader).redirect, "rewrites Location; patterns are RE2"},
		{"proxy_cookie_domain", inAnyLevel | take1 | take2, false, (*reader).cookieRule, "rewrites Domain of Set-Cookie"},
		{"proxy_cookie_path", inAnyLevel | take1 | take2, false, (*reader).cookieRule, "rewrites Path of Set-Cookie"},
		{"proxy_cookie_flags", inAnyLevel | take1 | take2 | take3 | take4, false, (*reader).cookieFlags, "gives and takes flags of Set-Cookie"},
		{"proxy_intercept_errors", inAnyLevel | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.InterceptErrors }), "error_page for servers' errors"},
		{"client_header_timeout", inHTTP | inServer | take1, true, timeOf(func(s *settings) *time.Duration { return &s.ClientHeaderTimeout }), "for the head of a request"},
		{"client_body_timeout", inAnyLevel | take1, true, timeOf(func(s *settings) *time.Duration { return &s.ClientBodyTimeout }), "between two reads of a request's body"},
		{"proxy_buffer_size", inAnyLevel | take1, true, (*reader).bufferSize, "largest head of an answer"},
		{"proxy_buffering", inAnyLevel | aFlag, true, flagOf(func(s *settings) *proxy.Flag { return &s.Buffering }), "off: answers are passed on as they arrive"},
		{"proxy_request_buffering", inAnyLevel | aFlag, true, (*reader).requestBuffering, "requests are read whole first"},
		{"proxy_buffers", inAnyLevel | take2, true, (*reader).buffers, "held for a client that is slower than its server"},
		{"proxy_max_temp_file_size", inAnyLevel | take1, true, sizeOf(func(s *settings) *int64 { return &s.MaxTempFileSize }), "held beyond proxy_buffers"},
		{"proxy_busy_buffers_size", inAnyLevel | take1, true, (*reader).bufferSize, "checked only"},

		// Accepted: what a lab's file has in it without a difference here.
		{"types", inAnyLevel | aBlock | noArguments, false, (*reader).types, "those of nginx's own mime.types, whatever is in it"},
		{"default_type", inAnyLevel | take1, true, (*reader).defaultType, "the type of what has no known extension"},
		{"types_hash_max_size", inAnyLevel | take1, true, nil, "no effect: no tables to size"},
		{"types_hash_bucket_size", inAnyLevel | take1, true, nil, "no effect: no tables to size"},
		{"map_hash_max_size", inHTTP | take1, true, nil, "no effect: no tables to size"},
		{"map_hash_bucket_size", inHTTP | take1, true, nil, "no effect: no tables to size"},
		{"server_names_hash_max_size", inHTTP | take1, true, nil, "no effect: no tables to size"},
		{"server_names_hash_bucket_size", inHTTP | take1, true, nil, "no effect: no tables to size"},
		{"sendfile", inAnyLevel | aFlag, true, nil, "no effect: files are in memory"},
		{"tcp_nopush", inAnyLevel | aFlag, true, nil, "no effect: packets are not simulated"},
		{"tcp_nodelay", inAnyLevel | aFlag, true, nil, "no effect: packets are not simulated"},
		{"charset", inAnyLevel | take1, true, nil, "no effect"},
		{"gzip", inAnyLevel | aFlag, true, nil, "no effect: nothing is compressed"},
		{"gzip_types", inAnyLevel | oneOrMore, false, nil, "no effect: nothing is compressed"},
		{"gzip_vary", inAnyLevel | aFlag, true, nil, "no effect: nothing is compressed"},
		{"gzip_min_length", inAnyLevel | take1, true, nil, "no effect: nothing is compressed"},
		{"gzip_comp_level", inAnyLevel | take1, true, nil, "no effect: nothing is compressed"},
		{"gzip_proxied", inAnyLevel | oneOrMore, true, nil, "no effect: nothing is compressed"},
		{"log_format", inHTTP | twoOrMore, false, nil, "no effect: the run's record has the figures"},
		{"access_log", inAnyLevel | oneOrMore, false, nil, "no effect: the run's record has the figures"},
		{"error_log", inMain | inAnyLevel | oneOrMore, false, (*reader).errorLog, "no effect: the run's record has the events"},
		{"log_not_found", inAnyLevel | aFlag, true, nil, "no effect: there is no log"},
		{"server_tokens", inAnyLevel | take1, true, (*reader).serverTokens, "off: the release is not shown"},
		{"client_body_buffer_size", inAnyLevel | take1, true, nil, "no effect: memory is not limited"},
		{"reset_timedout_connection", inAnyLevel | aFlag, true, nil, "no effect: a client that is too slow sees the end of its connection either way"},
	}
}
