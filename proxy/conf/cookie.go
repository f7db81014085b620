package conf

import (
	"strings"

	"sessionlab/proxy"
)

// cookieRule reads proxy_cookie_domain and proxy_cookie_path.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_cookie_domain.
func (r *reader) cookieRule(s statement) error {
	list := &r.settings.CookieDomains
	if s.name() == "proxy_cookie_path" {
		list = &r.settings.CookiePaths
	}
	from := s.words[1]
	if len(s.words) == 2 {
		if from.text != "off" {
			return r.fail(s, from, "invalid parameter %s", quote(from.text))
		}
		if len(*list) > 0 {
			return r.reject(s, "is duplicate")
		}
		*list = []proxy.Redirect{{From: "off"}}
		return nil
	}
	if len(*list) > 0 && (*list)[0].From == "off" {
		return r.reject(s, "is duplicate")
	}
	if expr, ok := strings.CutPrefix(from.text, "~"); ok {
		if s.name() == "proxy_cookie_path" {
			expr = strings.TrimPrefix(expr, "*")
		}
		if err := r.regexp(s, from, expr); err != nil {
			return err
		}
	} else if err := r.misspelt(s, from); err != nil {
		return err
	}
	*list = append(*list, proxy.Redirect{From: from.text, To: s.words[2].text})
	return r.misspelt(s, s.words[2])
}

// cookieFlags reads proxy_cookie_flags.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_cookie_flags.
func (r *reader) cookieFlags(s statement) error {
	list := &r.settings.CookieFlags
	name := s.words[1]
	if len(s.words) == 2 {
		if name.text != "off" {
			return r.fail(s, name, "invalid parameter %s", quote(name.text))
		}
		if len(*list) > 0 {
			return r.reject(s, "is duplicate")
		}
		*list = []proxy.CookieFlags{{Name: "off"}}
		return nil
	}
	if len(*list) > 0 && (*list)[0].Name == "off" {
		return r.reject(s, "is duplicate")
	}
	if expr, ok := strings.CutPrefix(name.text, "~"); ok {
		if err := r.regexp(s, name, expr); err != nil {
			return err
		}
	} else if err := r.misspelt(s, name); err != nil {
		return err
	}
	flags := proxy.CookieFlags{Name: name.text}
	for _, w := range s.words[2:] {
		if err := r.misspelt(s, w); err != nil {
			return err
		}
		flags.Flags = append(flags.Flags, w.text)
	}
	*list = append(*list, flags)
	return nil
}
