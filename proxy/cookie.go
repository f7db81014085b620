package proxy

import (
	"regexp"
	"slices"
	"strings"
)

// cookieRules rewrite the Set-Cookie lines of servers: proxy_cookie_domain,
// proxy_cookie_path and proxy_cookie_flags.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_rewrite_cookie.
type cookieRules struct {
	domains, paths []cookieRule
	flags          []flagRule
}

// cookieRule replaces the value of an attribute, or its beginning.
type cookieRule struct {
	pattern  *regexp.Regexp // of the whole value; nil for from
	from, to text
}

// flagRule edits the flags of the cookies with a name.
type flagRule struct {
	pattern *regexp.Regexp // of the name; nil for name
	name    text
	flags   []text
}

// compileCookies compiles the rules of a level, nil if there are none.
func (c *compiler) compileCookies(in Settings) (rules *cookieRules, err error) {
	rules = &cookieRules{}
	if rules.domains, err = c.cookieRules(in.CookieDomains, true); err != nil {
		return nil, err
	}
	if rules.paths, err = c.cookieRules(in.CookiePaths, false); err != nil {
		return nil, err
	}
	for _, f := range in.CookieFlags {
		if f.Name == "off" {
			continue
		}
		var rule flagRule
		if expr, ok := strings.CutPrefix(f.Name, "~"); ok {
			if rule.pattern, err = compileRegexp("(?i)", expr); err != nil {
				return nil, err
			}
		} else if rule.name, err = c.text(f.Name); err != nil {
			return nil, err
		}
		for _, flag := range f.Flags {
			value, err := c.text(flag)
			if err != nil {
				return nil, err
			}
			rule.flags = append(rule.flags, value)
		}
		rules.flags = append(rules.flags, rule)
	}
	if len(rules.domains)+len(rules.paths)+len(rules.flags) == 0 {
		return nil, nil
	}
	return rules, nil
}

// cookieRules compiles the rules for domains or for paths. A domain's pattern
// takes no notice of capitals, and its dot in front does not count.
func (c *compiler) cookieRules(in []Redirect, domain bool) (rules []cookieRule, err error) {
	for _, r := range in {
		if r.From == "off" {
			continue
		}
		from, to := r.From, r.To
		var rule cookieRule
		expr, ok := strings.CutPrefix(from, "~")
		switch {
		case ok && domain:
			rule.pattern, err = compileRegexp("(?i)", expr)
		case ok:
			rule.pattern, err = c.pattern(from)
		case domain:
			to = strings.TrimPrefix(to, ".")
			rule.from, err = c.text(strings.TrimPrefix(from, "."))
		default:
			rule.from, err = c.text(from)
		}
		if err != nil {
			return nil, err
		}
		if rule.to, err = c.text(to); err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// rewrite applies the rules to the lines of an answer, which stay as they are.
func (c *cookieRules) rewrite(x *exchange, lines []string) []string {
	out := slices.Clone(lines)
	for i, line := range out {
		all := attributesOf(line)
		if !all[0].valued {
			continue
		}
		changed := false
		for j := range all[1:] {
			a := &all[j+1]
			switch {
			case !a.valued:
			case strings.EqualFold(a.name, "domain"):
				changed = x.replace(a, c.domains, besideDomain) || changed
			case strings.EqualFold(a.name, "path"):
				changed = x.replace(a, c.paths, besidePath) || changed
			}
		}
		if flags := c.flagsFor(x, all[0].name); flags.set() {
			all, changed = flags.edit(all), true
		}
		if changed {
			out[i] = joinAttributes(all)
		}
	}
	return out
}

// replace gives an attribute the value of the first rule that matches. kept says
// how much of a value stays before and behind what a rule without a pattern names;
// ok is false if the value has no such part.
func (x *exchange) replace(a *attribute, rules []cookieRule, kept func(value, from string) (before, behind string, ok bool)) bool {
	for _, rule := range rules {
		before, behind, ok := "", "", false
		if rule.pattern != nil {
			ok = x.match(rule.pattern, a.value)
		} else {
			before, behind, ok = kept(a.value, rule.from.value(x))
		}
		if ok {
			a.value = before + rule.to.value(x) + behind
			return true
		}
	}
	return false
}

// besideDomain keeps the dot before a domain.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_rewrite_domain_handler.
func besideDomain(value, from string) (before, behind string, ok bool) {
	bare := strings.TrimPrefix(value, ".")
	return value[:len(value)-len(bare)], "", strings.EqualFold(bare, from)
}

// besidePath keeps what is behind the beginning of a path.
func besidePath(value, from string) (before, behind string, ok bool) {
	behind, ok = strings.CutPrefix(value, from)
	return "", behind, ok
}

// attribute is a part of a Set-Cookie line; the first one is the cookie itself.
type attribute struct {
	name, value string
	valued      bool // there is an equals sign
}

func attributesOf(line string) (all []attribute) {
	for part := range strings.SplitSeq(line, ";") {
		name, value, valued := strings.Cut(part, "=")
		all = append(all, attribute{strings.Trim(name, " "), strings.Trim(value, " "), valued})
	}
	return all
}

func joinAttributes(all []attribute) string {
	var b strings.Builder
	for i, a := range all {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(a.name)
		if a.valued {
			b.WriteByte('=')
			b.WriteString(a.value)
		}
	}
	return b.String()
}

// flagEdit is what is to become of the flags of a cookie.
type flagEdit struct{ secure, httpOnly, sameSite string }

// offFlag takes a flag away, onFlag gives one without a value.
const offFlag, onFlag = "off", "on"

func (e flagEdit) set() bool { return e != flagEdit{} }

// flagsFor finds the first rule for a cookie's name.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_rewrite_cookie_flags. Of
// several words for one flag the one that nginx looks for first counts.
func (c *cookieRules) flagsFor(x *exchange, name string) (e flagEdit) {
	i := slices.IndexFunc(c.flags, func(rule flagRule) bool {
		if rule.pattern != nil {
			return x.match(rule.pattern, name)
		}
		return strings.EqualFold(rule.name.value(x), name)
	})
	if i < 0 {
		return e
	}
	rank := 0
	for _, flag := range c.flags[i].flags {
		word := strings.ToLower(flag.value(x))
		at := slices.Index(sameSiteWords, word)
		switch {
		case word == "secure", word == "nosecure" && e.secure == "":
			e.secure = flagState(word == "secure")
		case word == "httponly", word == "nohttponly" && e.httpOnly == "":
			e.httpOnly = flagState(word == "httponly")
		case at >= 0 && (e.sameSite == "" || at < rank):
			rank, e.sameSite = at, []string{"Strict", "Lax", "None", offFlag}[at]
		}
	}
	return e
}

var sameSiteWords = []string{"samesite=strict", "samesite=lax", "samesite=none", "nosamesite"}

func flagState(on bool) string {
	if on {
		return onFlag
	}
	return offFlag
}

// edit applies the changes: what is there stays in its place, what is not there
// comes last.
//
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_edit_cookie_flags.
func (e flagEdit) edit(all []attribute) []attribute {
	out := all[:1:1]
	for _, a := range all[1:] {
		var want *string
		switch {
		case strings.EqualFold(a.name, "secure"):
			want = &e.secure
		case strings.EqualFold(a.name, "httponly"):
			want = &e.httpOnly
		case strings.EqualFold(a.name, "samesite"):
			want = &e.sameSite
		}
		switch {
		case want == nil || *want == "":
		case *want == offFlag:
			continue
		case want == &e.sameSite && !strings.EqualFold(a.value, *want):
			a = attribute{"SameSite", *want, true}
			*want = ""
		default:
			*want = ""
		}
		out = append(out, a)
	}
	if e.secure == onFlag {
		out = append(out, attribute{name: "Secure"})
	}
	if e.httpOnly == onFlag {
		out = append(out, attribute{name: "HttpOnly"})
	}
	if e.sameSite != "" && e.sameSite != offFlag {
		out = append(out, attribute{"SameSite", e.sameSite, true})
	}
	return out
}
