package users

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sessionlab/appnode"
	"sessionlab/lab/world"
	"sessionlab/scenarios/history"
	"sessionlab/sessions"
)

// Config is what all users of a lab have in common. Front, NewRecord and Record
// must be set.
type Config struct {
	// Front is the proxy's logical "address:port".
	Front string
	// Nodes are the nodes' logical "address:port" by name.
	Nodes map[string]string
	// SessionCookie is the name of the session cookie; "" is JSESSIONID.
	SessionCookie string
	// Zero is the host's elapsed time at which the run began; recorded times
	// count from there.
	Zero time.Duration
	// NewRecord gives room for a request that begins, and Record takes it when
	// it is finished.
	NewRecord func() *history.Record
	Record    func(*history.Record)
	// Number gives a request the number that its write will have, if it turns out
	// to be one: unique in the run and above 0.
	Number func() int64
	// Noted enters what proxy and nodes have noted of a request that has ended, by
	// the request's identity. The record may share what before, another one of the
	// user's, has of the same. It may be nil.
	Noted func(rec, before *history.Record, request string)
}

// Habits are how one user behaves. The zero value is a browser with patience:
// cookies and connections are kept, an answer is waited for without limit.
type Habits struct {
	NoCookies   bool
	NoKeepAlive bool
	Timeout     time.Duration
}

// User is one virtual user. Do may be called from several tasks at once, as a
// browser with several tabs does.
type User struct {
	name   string
	host   world.Host
	cfg    *Config
	habits Habits
	jar    jar

	mu     sync.Mutex     // guards memory only
	n      int            // requests sent
	known  []history.Attr // replaced, never changed: records share it
	idle   []*client
	active int             // requests under way
	latest *history.Record // the last one that ended
}

// New returns a user that lives on h.
func New(h world.Host, cfg *Config, habits Habits) *User {
	if cfg.SessionCookie == "" {
		cfg.SessionCookie = "JSESSIONID"
	}
	return &User{name: h.Name(), host: h, cfg: cfg, habits: habits, latest: &history.Record{}}
}

// Host is the machine that the user sits at.
func (u *User) Host() world.Host { return u.host }

// Request is one request to perform.
type Request struct {
	Method  string
	Target  string        // path and query
	On      string        // a node to ask directly; "" is the proxy
	Step    int           // number of the scenario's statement; 0 for a journey
	Label   string        // name of the step, "" for none
	Timeout time.Duration // overrides the user's; 0 does not
	Audit   bool          // look at the session only, whatever page it is
	Cookie  string        // a session id to present instead of the jar's; "" is the jar's
	// Foreign sends Header as the Cookie header, nothing if it is "", and keeps
	// neither what the answer sets nor what it says for the user's own.
	Foreign bool
	Header  string
	// Lines are further lines of the header, "Name: value" each; Host stands for
	// the address that is asked.
	Lines []string
}

// client is a connection with what belongs to it: the request that is sent
// over it, the answer's room.
type client struct {
	addr   string
	conn   world.HTTPConn
	req    http.Request
	url    url.URL
	body   []byte
	answer appnode.Answer
	got    []history.Attr // of the latest answer; records share it
	id     field
	write  field
	cookie field
	close  field
	lines  []string // names of the further lines that the header has
}

// field is the value of a request header, "" for none.
type field [1]string

// set gives the header another value. The map's entry is the field itself: it
// changes only when the header comes or goes.
func (f *field) set(h http.Header, name, value string) {
	switch {
	case value == "" && f[0] != "":
		delete(h, name)
	case value != "" && f[0] == "":
		h[name] = f[:]
	}
	f[0] = value
}

// Do performs a request, records it, and returns the record, which belongs to
// the history from then on. It fails only by what the record says.
func (u *User) Do(ctx context.Context, r Request) *history.Record {
	rec := u.cfg.NewRecord()
	rec.Step, rec.Label, rec.User = r.Step, r.Label, u.name
	rec.Method, rec.Path, rec.On, rec.Audit = r.Method, r.Target, r.On, r.Audit
	rec.Started = u.host.Elapsed() - u.cfg.Zero
	u.mu.Lock()
	u.n++
	rec.N = u.n
	u.active++
	before := u.latest
	if rec.Foreign = r.Foreign; !r.Foreign {
		rec.Want = u.known
	}
	u.mu.Unlock()

	id, number := names(rec, u.cfg.Number())
	if r.Audit {
		number = appnode.Look
	}
	if err := u.exchange(ctx, &r, id, number, rec); err != nil {
		rec.Err = world.OutcomeOf(err).String()
		if rec.Err == world.Canceled.String() && ctx.Err() == nil {
			rec.Err = "user_timeout"
		}
	}
	rec.Ended = u.host.Elapsed() - u.cfg.Zero
	if u.cfg.Noted != nil {
		u.cfg.Noted(rec, before, id)
	}
	u.mu.Lock()
	u.latest = rec
	u.active--
	u.learn(rec)
	u.mu.Unlock()
	u.cfg.Record(rec)
	return rec
}

// names are the request's identity and its number as they travel: parts of one
// string, since every request needs both.
func names(rec *history.Record, number int64) (id, written string) {
	var room [64]byte
	b := append(append(room[:0], rec.User...), '/')
	b = strconv.AppendInt(b, int64(rec.N), 10)
	n := len(b)
	both := string(strconv.AppendInt(b, number, 10))
	return both[:n], both[n:]
}

// learn keeps what the user may rely on from now on. u.mu is held.
func (u *User) learn(rec *history.Record) {
	if !rec.Acknowledged() || rec.Foreign {
		return
	}
	if rec.Logout() || rec.NewSession {
		u.known = nil
	}
	w := rec.Write()
	if w == nil {
		return
	}
	i, found := slices.BinarySearchFunc(u.known, w.Name,
		func(a history.Attr, name string) int { return strings.Compare(a.Name, name) })
	from := i
	if found {
		from++
	}
	var now []history.Attr
	if w.Op != history.Remove {
		now = []history.Attr{{Name: w.Name, Value: w.Value, Write: w.Number}}
	}
	u.known = slices.Concat(u.known[:i], now, u.known[from:])
}

// exchange sends the request and fills rec with what came back.
func (u *User) exchange(ctx context.Context, r *Request, id, number string, rec *history.Record) error {
	addr := u.cfg.Front
	if r.On != "" {
		addr = u.cfg.Nodes[r.On]
	}
	if addr == "" {
		return fmt.Errorf("no address for %q", r.On)
	}
	timeout := u.habits.Timeout
	if r.Timeout > 0 {
		timeout = r.Timeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = u.host.WithTimeout(ctx, timeout)
		defer cancel()
	}
	c, err := u.connect(ctx, addr)
	if err != nil {
		return err
	}
	c.prepare(r, id, number)
	u.addCookies(c, r, rec)
	if c.req.Close = u.habits.NoKeepAlive; c.req.Close {
		c.close.set(c.req.Header, "Connection", "close")
	}
	resp, err := c.conn.RoundTrip(ctx, &c.req)
	if err != nil {
		c.conn.Close()
		return err
	}
	rec.Status = resp.StatusCode
	rec.SetCookies = slices.Clone(resp.Header["Set-Cookie"])
	for _, line := range rec.SetCookies {
		name, value := cookieOf(line)
		if !u.habits.NoCookies && r.Cookie == "" && !r.Foreign {
			u.jar.set(line, c.req.Host)
		}
		if name == u.cfg.SessionCookie {
			rec.SetCookie = value
		}
	}
	c.body, err = appnode.ReadAnswer(resp.Body, c.body[:0])
	kind := first(resp.Header["Content-Type"])
	reusable := err == nil && !resp.Close && !c.req.Close
	switch {
	case err != nil:
	case strings.HasPrefix(kind, "application/json"):
		u.read(c, rec)
	case strings.HasPrefix(kind, "text/html"):
		c.look(rec)
	}
	u.heed(r, rec)
	if !reusable {
		c.conn.Close()
	} else {
		u.mu.Lock()
		u.idle = append(u.idle, c)
		u.mu.Unlock()
	}
	return err
}

// heed notes whether the user will come back with the new session of an answer.
func (u *User) heed(r *Request, rec *history.Record) {
	if !rec.NewSession || u.habits.NoCookies || r.Foreign || r.Cookie != "" {
		return
	}
	rec.Withheld = sessions.Base(u.Presents(r.Target)) != sessions.Base(rec.Session)
}

// read takes what a JSON answer says.
func (u *User) read(c *client, rec *history.Record) {
	if appnode.ParseAnswer(c.body, &c.answer) != nil {
		return
	}
	a := &c.answer
	rec.Node, rec.Session, rec.NewSession = a.Node, a.Session, a.New
	if c.got == nil || !slices.EqualFunc(c.got, a.Attributes, Shows) {
		c.got = make([]history.Attr, 0, len(a.Attributes))
		for _, at := range a.Attributes {
			c.got = append(c.got, AttrOf(at))
		}
	}
	rec.Got = c.got
}

// AttrOf is what a record says of an attribute.
func AttrOf(at sessions.Attribute) history.Attr {
	return history.Attr{Name: at.Name, Value: at.Text, Write: int64(at.Write), Writes: int64(at.Writes)}
}

// Shows reports whether a record of an attribute is what a node shows of it.
func Shows(a history.Attr, at sessions.Attribute) bool {
	return a.Name == at.Name && a.Value == at.Text && a.Write == int64(at.Write) && a.Writes == int64(at.Writes)
}

// look takes what a person sees on the node's page: who answered, and under which
// session id. An id of another base than the one sent is a new session's: the
// page rotates none, and a change of route keeps the base.
func (c *client) look(rec *history.Record) {
	node, session, ok := appnode.ParsePage(c.body)
	if !ok {
		return
	}
	rec.Node, rec.Session = copyOf(&c.answer.Node, node), copyOf(&c.answer.Session, session)
	rec.NewSession = sessions.Base(rec.Session) != sessions.Base(rec.Sent)
}

// copyOf is b as a string: the latest one, if it says the same.
func copyOf(latest *string, b []byte) string {
	if *latest != string(b) {
		*latest = string(b)
	}
	return *latest
}

// connect takes an idle connection to addr that still lives, or opens one.
func (u *User) connect(ctx context.Context, addr string) (*client, error) {
	for {
		u.mu.Lock()
		var c *client
		for i, idle := range u.idle {
			if idle.addr == addr {
				c = idle
				u.idle = append(u.idle[:i], u.idle[i+1:]...)
				break
			}
		}
		u.mu.Unlock()
		if c == nil {
			break
		}
		if c.conn.Alive() {
			return c, nil
		}
		c.conn.Close()
	}
	conn, err := u.host.DialHTTP(ctx, addr)
	if err != nil {
		return nil, err
	}
	return &client{addr: addr, conn: conn}, nil
}

// prepare fills the request that goes out over this connection.
func (c *client) prepare(r *Request, id, number string) {
	if c.req.Header == nil {
		c.req.Header = make(http.Header, 4)
		c.req.Proto, c.req.ProtoMajor, c.req.ProtoMinor = "HTTP/1.1", 1, 1
	}
	c.url = url.URL{Scheme: "http", Host: c.addr}
	c.url.Path, c.url.RawQuery, _ = strings.Cut(r.Target, "?")
	c.req.Method, c.req.URL, c.req.RequestURI, c.req.Host = r.Method, &c.url, r.Target, c.addr
	c.id.set(c.req.Header, world.HeaderRequest, id)
	for _, name := range c.lines {
		delete(c.req.Header, name)
	}
	c.lines = c.lines[:0]
	for _, line := range r.Lines {
		name, value, _ := strings.Cut(line, ": ")
		if name = http.CanonicalHeaderKey(name); name == "Host" {
			c.req.Host = value
			continue
		}
		c.req.Header[name] = append(c.req.Header[name], value)
		c.lines = append(c.lines, name)
	}
	c.write.set(c.req.Header, appnode.WriteHeader, number)
}

func (u *User) addCookies(c *client, r *Request, rec *history.Record) {
	var line string
	switch {
	case r.Foreign:
		line, rec.Sent = r.Header, valueIn(r.Header, u.cfg.SessionCookie)
	case u.habits.NoCookies:
	case r.Cookie != "":
		line, rec.Sent = u.cfg.SessionCookie+"="+r.Cookie, r.Cookie
	default:
		path, _, _ := strings.Cut(r.Target, "?")
		line, rec.Sent = u.jar.line(path), u.jar.value(u.cfg.SessionCookie, path)
	}
	c.cookie.set(c.req.Header, "Cookie", line)
}

// UnderWay is how many requests have no answer yet.
func (u *User) UnderWay() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.active
}

// Session is the session id in the user's jar, "" for none.
func (u *User) Session() string { return u.jar.value(u.cfg.SessionCookie, "") }

// Presents is the session id that the user would present to a target now, "" for
// none: a cookie may be for other paths.
func (u *User) Presents(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return u.jar.value(u.cfg.SessionCookie, path)
}

// Cookies is the Cookie header that the user would send to a target now.
func (u *User) Cookies(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return u.jar.line(path)
}

// valueIn is the value of a cookie in a Cookie header, "" if it is not there.
func valueIn(header, cookie string) string {
	for pair := range strings.SplitSeq(header, ";") {
		if name, value, _ := strings.Cut(strings.TrimSpace(pair), "="); name == cookie {
			return value
		}
	}
	return ""
}

func cookieOf(line string) (name, value string) {
	pair, _, _ := strings.Cut(line, ";")
	name, value, _ = strings.Cut(strings.TrimSpace(pair), "=")
	return name, value
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
