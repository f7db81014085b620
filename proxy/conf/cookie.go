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
	off, err := r.offAlone(s, len(*list) > 0, len(*list) > 0 && (*list)[0].From == "off")
	switch {
	case err != nil:
		return err
	case off:
		*list = []proxy.Redirect{{From: "off"}}
		return nil
	}
	if err := r.nameOrPattern(s, from); err != nil {
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
	off, err := r.offAlone(s, len(*list) > 0, len(*list) > 0 && (*list)[0].Name == "off")
	switch {
	case err != nil:
		return err
	case off:
		*list = []proxy.CookieFlags{{Name: "off"}}
		return nil
	}
	if err := r.nameOrPattern(s, name); err != nil {
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

// offAlone reports whether a line is "DIRECTIVE off", which stands alone on its
// level: others says that there are lines before it, wasOff that one of them is
// that.
func (r *reader) offAlone(s statement, others, wasOff bool) (off bool, err error) {
	word := s.words[1]
	off = len(s.words) == 2
	switch {
	case off && word.text != "off":
		return false, r.fail(s, word, "invalid parameter %s", quote(word.text))
	case off && others, wasOff:
		return false, r.reject(s, "is duplicate")
	}
	return off, nil
}

// nameOrPattern checks a word that is a pattern behind "~" and a text otherwise.
// "~*" of a path takes no notice of capitals.
func (r *reader) nameOrPattern(s statement, w word) error {
	expr, ok := strings.CutPrefix(w.text, "~")
	if !ok {
		return r.misspelt(s, w)
	}
	if s.name() == "proxy_cookie_path" {
		expr = strings.TrimPrefix(expr, "*")
	}
	return r.regexp(s, w, expr)
}
