package appnode

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sessionlab/lab/world"
	"sessionlab/sessions"
)

// application is the demo application; the package comment lists its pages.
type application struct {
	title, colour string
}

// requestPage is the page that shows the request's attributes.
const requestPage = "/request"

// colours of the heading, by the number of the node.
var colours = [...]string{"red", "blue", "green", "orange", "purple", "brown"}

func newApplication(node string, number int) application {
	return application{title: "test." + node, colour: colours[(max(number, 1)-1)%len(colours)]}
}

// Invoke answers the request. An error is an exception: a 500.
func (a application) Invoke(r *Request, _ Pipeline) {
	// The valves are done with the session, and the page has not asked for it yet:
	// what is renamed in between is a session that the page does not find.
	var err error
	if len(r.node.cfg.Valves) > 0 {
		err = r.spend(r.share(inFilters))
	}
	if err == nil {
		err = r.readForm()
	}
	if err == nil {
		err = a.serve(r)
	}
	if err == nil {
		// The page is done with the session, and still writes.
		err = r.spend(r.service - r.share(inConnector) - r.share(inFilters))
	}
	if err != nil {
		if !errors.Is(err, world.ErrHostDown) {
			r.tell()
		}
		r.sendError(http.StatusInternalServerError, "", err)
	}
}

func (a application) serve(r *Request) error {
	if r.look {
		return r.show()
	}
	switch r.path {
	case "/counter":
		return r.counter()
	case "/session", requestPage:
		return r.show()
	case "/", "/index.jsp":
		return a.page(r)
	case "/set":
		return r.set()
	case "/mutate":
		return r.mutate()
	case "/remove":
		return r.remove()
	case "/login":
		return r.login()
	case "/logout":
		return r.logout()
	}
	if number, ok := strings.CutPrefix(r.path, "/status/"); ok {
		if status, err := strconv.Atoi(number); err == nil && status >= 200 && status <= 599 {
			return r.answerStatus(status)
		}
	}
	r.tell()
	r.sendError(http.StatusNotFound, "The requested resource ["+r.path+"] is not available", nil)
	return nil
}

func (r *Request) counter() error {
	s, err := r.Session(true)
	if err != nil {
		return err
	}
	const name = "count"
	old, found, err := s.Attribute(name)
	if err != nil {
		return err
	}
	var n int64
	if found {
		if n, err = strconv.ParseInt(old.Text, 10, 64); err != nil {
			return fmt.Errorf("attribute %s is no number: %q", name, old.Text)
		}
	}
	if err := r.pause(); err != nil {
		return err
	}
	add, _ := r.parameter("add")
	if add == "1" || r.http.Method == http.MethodPost {
		if n == math.MaxInt64 {
			return errors.New("attribute count is at its end")
		}
		v := old.Next(strconv.FormatInt(n+1, 10), r.write)
		if err := s.SetAttribute(name, v); err != nil {
			return err
		}
		r.wrote(Add, name, v)
	}
	return r.answer()
}

func (r *Request) show() error {
	if _, err := r.Session(false); err != nil {
		return err
	}
	if err := r.pause(); err != nil {
		return err
	}
	return r.answer()
}

func (r *Request) set() error {
	s, name, err := r.named("setAttribute")
	if err != nil {
		return err
	}
	old, _, err := s.Attribute(name)
	if err != nil {
		return err
	}
	if err := r.pause(); err != nil {
		return err
	}
	value, ok := r.parameter("value")
	if !ok {
		return r.removeAttribute(s, name)
	}
	v := old.Next(strings.Clone(value), r.write)
	if err := s.SetAttribute(name, v); err != nil {
		return err
	}
	r.wrote(Set, name, v)
	return r.answer()
}

func (r *Request) mutate() error {
	s, name, err := r.named("getAttribute")
	if err != nil {
		return err
	}
	if err := r.pause(); err != nil {
		return err
	}
	value, _ := r.parameter("value")
	v, found, err := s.Mutate(name, strings.Clone(value), r.write)
	if err == nil && !found {
		err = fmt.Errorf("null pointer: there is no attribute %q to change", name)
	}
	if err != nil {
		return err
	}
	r.wrote(Mutate, name, v)
	return r.answer()
}

func (r *Request) remove() error {
	s, name, err := r.named("removeAttribute")
	if err != nil {
		return err
	}
	if err := r.pause(); err != nil {
		return err
	}
	return r.removeAttribute(s, name)
}

func (r *Request) removeAttribute(s *sessions.Session, name string) error {
	if err := s.RemoveAttribute(name); err != nil {
		return err
	}
	r.wrote(Remove, name, sessions.Value{Write: r.write})
	return r.answer()
}

func (r *Request) login() error {
	user, ok := r.parameter("user")
	if !ok || user == "" {
		return errors.New("login: parameter user is missing")
	}
	s, err := r.Session(true)
	if err != nil {
		return err
	}
	old, _, err := s.Attribute("user")
	if err != nil {
		return err
	}
	if err := r.pause(); err != nil {
		return err
	}
	was := s.ID()
	if err := r.rotateSessionID(s); err != nil {
		return err
	}
	user = strings.Clone(user)
	s.SetPrincipal(user)
	v := old.Next(user, r.write)
	if err := s.SetAttribute("user", v); err != nil {
		return err
	}
	r.note.Login, r.note.Was = true, was
	r.wrote(Set, "user", v)
	return r.answer()
}

func (r *Request) logout() error {
	s, err := r.Session(false)
	if err != nil {
		return err
	}
	if err := r.pause(); err != nil {
		return err
	}
	r.note.Logout = true
	if s != nil {
		// Other nodes may hear of it, and this one be killed before it returns.
		r.note.Session, r.note.Attributes = s.ID(), noAttributes
		r.tell()
		if err := r.Manager().Invalidate(r.ctx, s); err != nil {
			return err
		}
	}
	return r.answer()
}

func (r *Request) answerStatus(status int) error {
	if err := r.pause(); err != nil {
		return err
	}
	if status >= http.StatusBadRequest {
		r.tell()
		r.sendError(status, "", nil)
		return nil
	}
	if _, err := r.Session(false); err != nil {
		return err
	}
	if !r.response.committed {
		r.response.status = status
	}
	return r.answer()
}

func (a application) page(r *Request) error {
	s, err := r.Session(true)
	if err != nil {
		return err
	}
	const name = "test.org"
	old, _, err := s.Attribute(name)
	if err != nil {
		return err
	}
	r.response.contentType = typePage
	if err := r.pause(); err != nil {
		return err
	}
	v := old.Next(name, r.write)
	if err := s.SetAttribute(name, v); err != nil {
		return err
	}
	r.wrote(Set, name, v)
	r.tell()
	s.State(&r.state)
	r.out = a.appendPage(r.out[:0], r.state.ID, r.state.Created)
	return r.writePadded(len(r.out), ' ', "")
}

// appendPage appends the page with its heading in the node's colour.
func (a application) appendPage(b []byte, session string, created int64) []byte {
	b = append(append(append(b, `
<html>
  <head><title>`...), a.title...), `</title></head>
  <body>
    <h1><font color="`...)
	b = append(append(append(b, a.colour...), `">`...), a.title...)
	b = append(append(append(b, `.org</font></h1>
    <table align="center" border="1">
      <tr>
        <td>Session ID</td>
        <td>`...), session...), `</td>
      </tr>
      <tr>
        <td>Created on</td>
        <td>`...)
	return append(strconv.AppendInt(b, created, 10), `</td>
      </tr>
    </table>
  </body>
</html>
`...)
}

// named is the session, created if need be, and the parameter name.
func (r *Request) named(method string) (*sessions.Session, string, error) {
	s, err := r.Session(true)
	if err != nil {
		return nil, "", err
	}
	name, ok := r.parameter("name")
	if !ok {
		return nil, "", errors.New(method + ": name parameter cannot be null")
	}
	return s, strings.Clone(name), nil
}

// pause lies between reading and writing.
func (r *Request) pause() error {
	if flush, _ := r.parameter("flush"); flush == "1" {
		if r.response.contentType == "" {
			r.response.contentType = typeJSON
		}
		r.response.flush()
	}
	ms, err := r.number("ms")
	if err != nil || ms == 0 {
		return err
	}
	return r.node.host.Sleep(r.ctx, time.Duration(ms)*time.Millisecond)
}
