// Package proxy is the front of the lab: an HTTP server that does what nginx
// does with a request, from the choice of a location to the last byte of the
// answer, retries, exclusions and error pages included.
//
// Start with Config, which mirrors an nginx.conf (http, server, location,
// upstream, map), and New. Front builds the Config of the usual lab front in a
// few words. The choice of a server is made in package upstream; the decision
// to pass a request on to the next one is NextPolicy. Config.Trace sees every
// attempt.
//
// One worker process is simulated. Where a rule is borrowed the source file of
// nginx is named beside it. The differences that can be seen from outside:
//
//   - Header names are spelt as Go does (Etag, X-Real-Ip). A folded header line is
//     joined and one without a colon refused; nginx refuses the first and drops
//     the second. HTTP/0.9 is not spoken, parts of files are not given.
//   - What nginx writes to a temporary file for a slow client is kept in memory,
//     runs of one byte as a count.
//   - Request bodies are always read whole before a server is asked, as with
//     "proxy_request_buffering on".
//   - An idle connection to a server that has outlived keepalive_timeout is
//     closed when the cache is next used.
//   - An empty "proxy_set_header Host" falls back to $proxy_host in every
//     release; before 1.31.4 nginx sends no Host then.
//   - A request's body, too, is kept in memory, runs of one byte as a count. One
//     with more than 256 MiB beside runs is what a full disk is to nginx: 500.
//
// Left out: rewrite, if, try_files and nested locations, caching, gzip, TLS,
// HTTP/2, WebSocket upgrades, subrequests, X-Accel-Redirect, access logs
// (Config.Trace has the figures). Lines of a configuration that would need them are
// Settings.Skipped, and requests that pass them are counted. The text of an
// nginx.conf is read elsewhere.
package proxy
