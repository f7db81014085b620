package conf

import (
	"strings"
	"time"

	"sessionlab/proxy"
	"sessionlab/proxy/upstream"
)

// These directives may stand at every level: http, server and location.

type settings = proxy.Settings

// flagOf reads the directives that are on or off into a field.
func flagOf(field func(*settings) *proxy.Flag) func(*reader, statement) error {
	return func(r *reader, s statement) error {
		*field(r.settings) = onOrOff(s)
		return nil
	}
}

func onOrOff(s statement) proxy.Flag {
	if on, _ := flag(s.words[1].text); on {
		return proxy.On
	}
	return proxy.Off
}

// timeOf reads the directives that have a time into a field, where -1 stands for 0.
func timeOf(field func(*settings) *time.Duration) func(*reader, statement) error {
	return valueOf(duration, "invalid value", field)
}

// sizeOf is timeOf for a number of bytes.
func sizeOf(field func(*settings) *int64) func(*reader, statement) error {
	return valueOf(size, "invalid value", field)
}

// numberOf is timeOf for a number.
func numberOf(field func(*settings) *int) func(*reader, statement) error {
	return valueOf(number, "invalid number", field)
}

func valueOf[N int | int64 | time.Duration](parse func(string) (N, bool), otherwise string, field func(*settings) *N) func(*reader, statement) error {
	return func(r *reader, s statement) error {
		n, ok := parse(s.words[1].text)
		if !ok {
			return r.reject(s, otherwise)
		}
		*field(r.settings) = orMinusOne(n)
		return nil
	}
}

func (r *reader) nextUpstream(s statement) error {
	seen := map[string]bool{}
	for _, w := range s.args() {
		if _, err := proxy.ParseNext(w.text); err != nil {
			return r.fail(s, w, "%s", err)
		}
		if word := strings.ToLower(w.text); seen[word] {
			r.note(Warning, w, "duplicate value %s", quote(w.text))
		} else {
			seen[word] = true
		}
	}
	r.settings.NextUpstream = s.texts()
	return nil
}

func (r *reader) httpVersion(s statement) error {
	value := s.words[1]
	if value.text != "1.0" && value.text != "1.1" {
		return r.fail(s, value, "invalid value %s", quote(value.text))
	}
	r.settings.HTTPVersion = value.text
	return nil
}

func (r *reader) setHeader(s statement) error {
	r.settings.SetHeaders = append(r.settings.SetHeaders, proxy.Header{Name: s.words[1].text, Value: s.words[2].text})
	return nil
}

// hideHeader reads proxy_hide_header and proxy_pass_header.
func (r *reader) hideHeader(s statement) error {
	list := &r.settings.HideHeaders
	if s.name() == "proxy_pass_header" {
		list = &r.settings.PassHeaders
	}
	*list = append(*list, s.words[1].text)
	return nil
}

// redirect reads proxy_redirect.
func (r *reader) redirect(s statement) error {
	list := &r.settings.Redirects
	off := len(*list) > 0 && (*list)[0].From == "off"
	from := s.words[1]
	switch {
	case off, len(*list) > 0 && len(s.words) == 2 && from.text == "off":
		return r.reject(s, "is duplicate")
	case len(s.words) == 2 && from.text != "off" && from.text != "default":
		return r.fail(s, from, "invalid parameter %s", quote(from.text))
	case len(s.words) == 2 && from.text == "default" && r.location != nil && strings.Contains(r.location.ProxyPass, "$"):
		return r.fail(s, from, `"proxy_redirect default" cannot be used with "proxy_pass" directive with variables`)
	case len(s.words) == 2 && from.text == "default" && (r.location == nil || r.location.ProxyPass == ""):
		return r.fail(s, from, `"proxy_redirect default" should be placed after the "proxy_pass" directive`)
	case strings.HasPrefix(from.text, "~"):
		if err := r.regexp(s, from, strings.TrimPrefix(from.text[1:], "*")); err != nil {
			return err
		}
	}
	redirect := proxy.Redirect{From: from.text}
	if len(s.words) == 3 {
		redirect.To = s.words[2].text
	}
	*list = append(*list, redirect)
	return r.misspelt(s, s.words[len(s.words)-1])
}

// requestBuffering reads proxy_request_buffering.
//
// Source: nginx ngx_http_upstream.c, ngx_http_upstream_next.
func (r *reader) requestBuffering(s statement) error {
	line := proxy.Skipped{Directive: s.name(), Setting: s.name(), Concerns: proxy.WithBody,
		Reason: "a request would not be passed on to the next server once its body was on the way"}
	if onOrOff(s) == proxy.On {
		line.Concerns, line.Reason = 0, "it says what is so anyway"
	}
	r.leaveOut(s.words[0], line)
	return nil
}

func (r *reader) bufferSize(s statement) error {
	n, ok := memory(s.words[1].text)
	if !ok {
		return r.reject(s, "invalid value")
	}
	switch s.name() {
	case "proxy_busy_buffers_size":
		r.settings.BusySize = orMinusOne(n)
	case "client_header_buffer_size":
		r.settings.HeaderBuffer = n
	default:
		r.settings.BufferSize = n
	}
	return nil
}

func (r *reader) buffers(s statement) error {
	count, ok1 := number(s.words[1].text)
	size, ok2 := memory(s.words[2].text)
	if !ok1 || !ok2 || count == 0 || size == 0 {
		return r.reject(s, "invalid value")
	}
	if s.name() == "large_client_header_buffers" {
		r.settings.LargeBuffers = proxy.Buffers{Count: count, Size: size}
		return nil
	}
	r.settings.Buffers = proxy.Buffers{Count: count, Size: size}
	return nil
}

// errorPage reads error_page.
//
// Source: nginx ngx_http_core_module.c, ngx_http_core_error_page.
func (r *reader) errorPage(s statement) error {
	args := s.args()
	page := proxy.ErrorPage{URI: args[len(args)-1].text}
	codes := args[:len(args)-1]
	if last := codes[len(codes)-1]; strings.HasPrefix(last.text, "=") {
		codes = codes[:len(codes)-1]
		status, ok := number(last.text[1:])
		switch {
		case len(codes) == 0:
			return r.fail(s, last, "invalid value %s", quote(last.text))
		case last.text == "=":
			page.Replace = proxy.FromLocation
		case !ok:
			return r.fail(s, last, "invalid value %s", quote(last.text))
		default:
			page.Replace, page.Status = proxy.ReplaceBy, status
		}
	}
	for _, w := range codes {
		status, ok := number(w.text)
		switch {
		case !ok || status == 499:
			return r.fail(s, w, "invalid value %s", quote(w.text))
		case status < 300 || status > 599:
			return r.fail(s, w, "value %s must be between 300 and 599", quote(w.text))
		}
		page.Statuses = append(page.Statuses, status)
	}
	r.settings.ErrorPages = append(r.settings.ErrorPages, page)
	return r.misspelt(s, args[len(args)-1])
}

func (r *reader) addHeader(s statement) error {
	h := proxy.Header{Name: s.words[1].text, Value: s.words[2].text}
	if len(s.words) == 4 {
		if s.words[3].text != "always" {
			return r.fail(s, s.words[3], "invalid parameter %s", quote(s.words[3].text))
		}
		h.Always = true
	}
	r.settings.AddHeaders = append(r.settings.AddHeaders, h)
	return r.misspelt(s, s.words[2])
}

func (r *reader) root(s statement) error {
	r.settings.Root = s.words[1].text
	return nil
}

func (r *reader) index(s statement) error {
	for _, w := range s.args() {
		if w.text == "index.html" {
			r.note(NoEffect, s.words[0], `"index": index.html is always looked for, and nothing else`)
			return nil
		}
	}
	r.leaveOut(s.words[0], proxy.Skipped{Directive: "index", Setting: "index", Concerns: proxy.ForFolders,
		Reason: "index.html is always looked for, and nothing else"})
	return nil
}

// clientTimeout reads the keepalive_timeout of clients' connections.
func (r *reader) clientTimeout(s statement) error {
	d, ok := duration(s.words[1].text)
	if !ok {
		return r.reject(s, "invalid value")
	}
	r.settings.ClientIdleTimeout = orMinusOne(d)
	if len(s.words) == 3 {
		if d, ok = upstream.ParseTime(s.words[2].text, true); !ok {
			return r.reject(s, "invalid value")
		}
		r.settings.ClientIdleHeader = orMinusOne(d)
	}
	return nil
}

// types takes a block for mime.types.
func (r *reader) types(s statement) error {
	r.settings.MimeTypes = proxy.On
	r.note(NoEffect, s.words[0], `"types": the usual types are built in, and no others`)
	return r.skip(0)
}

func (r *reader) defaultType(s statement) error {
	r.settings.DefaultType = s.words[1].text
	return nil
}

// serverTokens reads whether nginx shows its release. A build has no name here, so
// that "build" is "on".
func (r *reader) serverTokens(s statement) error {
	switch s.words[1].text {
	case "on", "build":
		r.settings.ServerTokens = proxy.On
	case "off":
		r.settings.ServerTokens = proxy.Off
	default:
		return r.fail(s, s.words[1], "invalid value %s", quote(s.words[1].text))
	}
	return nil
}

func (r *reader) setMethod(s statement) error {
	r.settings.Method = s.words[1].text
	return r.misspelt(s, s.words[1])
}

func (r *reader) setBody(s statement) error {
	r.settings.SetBody = &s.words[1].text
	return r.misspelt(s, s.words[1])
}
