package proxy

import (
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"sessionlab/lab/world"
)

// inside are the settings of an inner level.
func (outer Settings) inside(inner Settings) Settings {
	return Settings{
		NextUpstream:        orList(inner.NextUpstream, outer.NextUpstream),
		NextUpstreamTries:   or(inner.NextUpstreamTries, outer.NextUpstreamTries),
		NextUpstreamTimeout: or(inner.NextUpstreamTimeout, outer.NextUpstreamTimeout),
		ConnectTimeout:      or(inner.ConnectTimeout, outer.ConnectTimeout),
		SendTimeout:         or(inner.SendTimeout, outer.SendTimeout),
		ReadTimeout:         or(inner.ReadTimeout, outer.ReadTimeout),
		HTTPVersion:         or(inner.HTTPVersion, outer.HTTPVersion),
		SetHeaders:          orList(inner.SetHeaders, outer.SetHeaders),
		HideHeaders:         orList(inner.HideHeaders, outer.HideHeaders),
		PassHeaders:         orList(inner.PassHeaders, outer.PassHeaders),
		Redirects:           orList(inner.Redirects, outer.Redirects),
		InterceptErrors:     or(inner.InterceptErrors, outer.InterceptErrors),
		Buffering:           or(inner.Buffering, outer.Buffering),
		BufferSize:          or(inner.BufferSize, outer.BufferSize),
		Buffers:             or(inner.Buffers, outer.Buffers),
		BusySize:            or(inner.BusySize, outer.BusySize),
		MaxTempFileSize:     or(inner.MaxTempFileSize, outer.MaxTempFileSize),
		ClientSendTimeout:   or(inner.ClientSendTimeout, outer.ClientSendTimeout),
		MaxBodySize:         or(inner.MaxBodySize, outer.MaxBodySize),
		ErrorPages:          orList(inner.ErrorPages, outer.ErrorPages),
		RecursivePages:      or(inner.RecursivePages, outer.RecursivePages),
		AddHeaders:          orList(inner.AddHeaders, outer.AddHeaders),
		Root:                or(inner.Root, outer.Root),
		DefaultType:         or(inner.DefaultType, outer.DefaultType),
		MimeTypes:           or(inner.MimeTypes, outer.MimeTypes),
		ServerTokens:        or(inner.ServerTokens, outer.ServerTokens),

		Method:             or(inner.Method, outer.Method),
		SetBody:            or(inner.SetBody, outer.SetBody),
		PassRequestHeaders: or(inner.PassRequestHeaders, outer.PassRequestHeaders),
		PassRequestBody:    or(inner.PassRequestBody, outer.PassRequestBody),

		CookieDomains:        orList(inner.CookieDomains, outer.CookieDomains),
		CookiePaths:          orList(inner.CookiePaths, outer.CookiePaths),
		CookieFlags:          orList(inner.CookieFlags, outer.CookieFlags),
		AbsoluteRedirect:     or(inner.AbsoluteRedirect, outer.AbsoluteRedirect),
		PortInRedirect:       or(inner.PortInRedirect, outer.PortInRedirect),
		ServerNameInRedirect: or(inner.ServerNameInRedirect, outer.ServerNameInRedirect),
		ClientIdleTimeout:    or(inner.ClientIdleTimeout, outer.ClientIdleTimeout),
		ClientIdleHeader:     or(inner.ClientIdleHeader, outer.ClientIdleHeader),
		ClientMaxRequests:    or(inner.ClientMaxRequests, outer.ClientMaxRequests),
		ClientBodyTimeout:    or(inner.ClientBodyTimeout, outer.ClientBodyTimeout),
		ClientHeaderTimeout:  or(inner.ClientHeaderTimeout, outer.ClientHeaderTimeout),
		MergeSlashes:         or(inner.MergeSlashes, outer.MergeSlashes),
		Underscores:          or(inner.Underscores, outer.Underscores),
		IgnoreInvalid:        or(inner.IgnoreInvalid, outer.IgnoreInvalid),
		HeaderBuffer:         or(inner.HeaderBuffer, outer.HeaderBuffer),
		LargeBuffers:         or(inner.LargeBuffers, outer.LargeBuffers),
		Skipped:              outer.skippedInside(inner.Skipped),
	}
}

// settings are Settings ready for use.
type settings struct {
	next        NextPolicy
	tries       int
	connect     time.Duration
	send        time.Duration
	read        time.Duration
	http10      bool
	setHeaders  []headerLine // without Host
	hostHeader  *text        // nil: $proxy_host
	connection  string       // the Connection header if none is set
	replaced    nameSet
	passed      []string    // Server and Date, if the node's are passed on
	hidden      nameSet     // response headers by canonical name
	redirects   []rewriting // nil: off
	intercept   bool
	unbuffered  bool
	buffers     int64         // proxy_buffers in bytes
	tempFile    int64         // proxy_max_temp_file_size
	clientSend  time.Duration // send_timeout
	bufferSize  int
	readAnswer  world.AnswerReader
	maxBodySize int64 // 0: no limit
	errorPages  []errorPage
	recursive   bool // an error page that fails has its error page
	addHeaders  []headerLine
	root        string
	defaultType string
	types       map[string]string // by extension
	signature   []string          // the Server header
	method      text              // empty: the client's
	body        *text             // nil: the client's, unless bodyless
	bodyless    bool              // the client's body stays here
	headless    bool              // and so do its headers
	cookies     *cookieRules      // nil: Set-Cookie stays as it is

	relative   bool          // a Location of nginx's own names no host
	portless   bool          // nor a port
	ownName    bool          // its host is the server's name
	clientIdle time.Duration // 0: no connection of a client is kept
	clientMax  int           // likewise
	clientHead time.Duration // client_header_timeout
	clientBody time.Duration // client_body_timeout
	keepHeader []string      // Keep-Alive, nil: none

	separate   bool // several slashes stay several
	headers    headerNames
	lineBuffer int
	largeLines Buffers
	skipped    []*passage
}

// atOnce is what a timeout of 0 comes to where the timer looks before the socket
// has been read once more.
const atOnce = time.Millisecond

type headerLine struct {
	name   string // canonical
	value  text
	always bool
}

// hiddenHeaders are never passed on to the client.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_hide_headers.
var hiddenHeaders = []string{"Date", "Server", "X-Pad", "X-Accel-Expires", "X-Accel-Redirect",
	"X-Accel-Limit-Rate", "X-Accel-Buffering", "X-Accel-Charset"}

// compileSettings compiles the settings of a location or server. The texts in
// them are compiled later.
func (c *compiler) compileSettings(in Settings, pos string) (*settings, error) {
	words := in.NextUpstream
	if len(words) == 0 {
		words = []string{"error", "timeout"}
	}
	on, err := ParseNext(words...)
	if err != nil {
		return nil, err
	}
	if err := in.checkBuffers(); err != nil {
		return nil, err
	}
	version := or(in.HTTPVersion, c.release.httpVersion)
	if version != "1.0" && version != "1.1" {
		return nil, fmt.Errorf(`invalid value "%s"`, version)
	}
	s := &settings{
		bodyless:   in.PassRequestBody == Off,
		headless:   in.PassRequestHeaders == Off,
		relative:   in.AbsoluteRedirect == Off,
		portless:   in.PortInRedirect == Off,
		ownName:    in.ServerNameInRedirect == On,
		clientIdle: orDefault(in.ClientIdleTimeout, 75*time.Second),
		clientMax:  orDefault(in.ClientMaxRequests, 1000),
		clientHead: max(orDefault(in.ClientHeaderTimeout, 60*time.Second), atOnce),
		clientBody: max(orDefault(in.ClientBodyTimeout, 60*time.Second), atOnce),
		keepHeader: keepHeader(in.ClientIdleHeader),
		separate:   in.MergeSlashes == Off,
		headers:    headerNamesOf(in),
		lineBuffer: or(in.HeaderBuffer, 1024),
		largeLines: or(in.LargeBuffers, Buffers{4, 8192}),

		next:        NextPolicy{On: on, Timeout: max(0, in.NextUpstreamTimeout)},
		tries:       max(0, in.NextUpstreamTries),
		connect:     orDefault(in.ConnectTimeout, 60*time.Second),
		send:        orDefault(in.SendTimeout, 60*time.Second),
		read:        orDefault(in.ReadTimeout, 60*time.Second),
		http10:      version == "1.0",
		connection:  c.release.connection,
		replaced:    namesOf("Host", "Connection", "Content-Length", "Transfer-Encoding"),
		hidden:      namesOf(hiddenHeaders...),
		intercept:   in.InterceptErrors == On,
		recursive:   in.RecursivePages == On,
		unbuffered:  in.Buffering == Off,
		bufferSize:  or(in.BufferSize, 4096),
		readAnswer:  c.release.wire.AnswerReader(or(in.BufferSize, 4096)),
		buffers:     in.Buffers.all(),
		tempFile:    orDefault(in.MaxTempFileSize, 1<<30),
		clientSend:  orDefault(in.ClientSendTimeout, 60*time.Second),
		maxBodySize: orDefault(in.MaxBodySize, 1<<20),
		root:        or(in.Root, "html"),
		defaultType: or(in.DefaultType, "text/plain"),
		types:       coreTypes,
		signature:   c.release.signature(in.ServerTokens != Off),
		skipped:     c.passages(in.Skipped),
	}
	if in.MimeTypes == On {
		s.types = mimeTypes
	}
	for _, name := range c.release.dropHeaders {
		s.replaced.add(name)
	}
	for _, name := range in.HideHeaders {
		s.hidden.add(textproto.CanonicalMIMEHeaderKey(name))
	}
	for _, name := range in.PassHeaders {
		name = textproto.CanonicalMIMEHeaderKey(name)
		s.hidden.remove(name)
		if name == "Server" || name == "Date" {
			s.passed = append(s.passed, name)
		}
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Transfer-Encoding"} {
		s.hidden.add(name)
	}
	for _, h := range in.SetHeaders {
		s.replaced.add(textproto.CanonicalMIMEHeaderKey(h.Name))
		if strings.EqualFold(h.Name, "Connection") {
			s.connection = ""
		}
	}
	c.later = append(c.later, func() error { return c.at(pos, c.fillSettings(s, in)) })
	return s, nil
}

// checkBuffers refuses sizes of buffers that do not go together.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_merge_loc_conf.
func (s Settings) checkBuffers() error {
	all := or(s.Buffers, defaultBuffers)
	largest := max(or(s.BufferSize, 4096), all.Size)
	busy := or(s.BusySize, 2*largest)
	switch {
	case all.Count < 2:
		return errors.New(`there must be at least 2 "proxy_buffers"`)
	case s.MaxTempFileSize > 0 && s.MaxTempFileSize < int64(largest):
		return errors.New(`"proxy_max_temp_file_size" must be equal to zero to disable temporary files usage or ` +
			`must be equal to or greater than the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers"`)
	case busy < largest:
		return errors.New(`"proxy_busy_buffers_size" must be equal to or greater than the maximum of the value of ` +
			`"proxy_buffer_size" and one of the "proxy_buffers"`)
	case busy > (all.Count-1)*all.Size:
		return errors.New(`"proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer`)
	}
	return nil
}

// defaultBuffers are those of a system whose pages have 4 KiB.
var defaultBuffers = Buffers{8, 4096}

// all is the size of all buffers together in bytes.
func (b Buffers) all() int64 {
	b = or(b, defaultBuffers)
	return int64(b.Count) * int64(b.Size)
}

// fillSettings compiles the texts of settings.
func (c *compiler) fillSettings(s *settings, in Settings) (err error) {
	if s.redirects, err = c.compileRedirects(in.Redirects); err != nil {
		return err
	}
	if s.method, err = c.text(in.Method); err != nil {
		return err
	}
	if in.SetBody != nil {
		body, err := c.text(*in.SetBody)
		if err != nil {
			return err
		}
		s.body = &body
	}
	if s.cookies, err = c.compileCookies(in); err != nil {
		return err
	}
	for _, h := range in.SetHeaders {
		value, err := c.text(h.Value)
		if err != nil {
			return err
		}
		if strings.EqualFold(h.Name, "Host") {
			s.hostHeader = &value
			continue
		}
		s.setHeaders = append(s.setHeaders, headerLine{textproto.CanonicalMIMEHeaderKey(h.Name), value, true})
	}
	for _, h := range in.AddHeaders {
		value, err := c.text(h.Value)
		if err != nil {
			return err
		}
		s.addHeaders = append(s.addHeaders, headerLine{textproto.CanonicalMIMEHeaderKey(h.Name), value, h.Always})
	}
	for _, page := range in.ErrorPages {
		uri, err := c.text(page.URI)
		if err != nil {
			return err
		}
		for _, status := range page.Statuses {
			if status < 300 || status > 599 {
				return fmt.Errorf(`value "%d" must be between 300 and 599`, status)
			}
			if status == 499 {
				return fmt.Errorf(`invalid value "%d"`, status)
			}
		}
		s.errorPages = append(s.errorPages, errorPage{page.Statuses, page.Replace, page.Status, uri})
	}
	return nil
}

// page finds the error page of a status.
func (s *settings) page(status int) *errorPage {
	for i := range s.errorPages {
		if slices.Contains(s.errorPages[i].statuses, status) {
			return &s.errorPages[i]
		}
	}
	return nil
}
