// Package appnode is the Tomcat-like node: a connector with its threads, a
// pipeline of valves, session look-up by cookie and URL, and the demo
// application behind them.
//
// Start with New and Node. A Node needs a Manager for its sessions; those of
// package sessions and its subpackages fit. ParseAnswer reads the JSON that the
// application answers with.
//
// The demo application is the same on every node. It answers with JSON, but for
// the first page:
//
//	/  /index.jsp          the page of a well-known clustering tutorial, HTML;
//	                       sets the attribute test.org on each hit
//	/counter               reads the attribute count; ?add=1 or POST adds one
//	/set?name=&value=      sets an attribute; without a value removes it
//	/mutate?name=&value=   changes the attribute's object in place, without
//	                       setAttribute
//	/remove?name=          removes an attribute
//	/login?user=           rotates the session id, sets principal and attribute
//	                       user
//	/session               shows the session, never creates one
//	/request               shows the request's attributes too: what the valves
//	                       left there
//	/logout                invalidates the session, never creates one
//	/status/N              answers with status N, never creates one
//
// On every page, ms=N sleeps N milliseconds between what is read and what is
// written, flush=1 sends the head before that sleep, and size=N pads the answer
// to N bytes. A page adds one write to what it read before the sleep, so
// concurrent requests of one session lose writes, as servlets do. An exception,
// such as the use of a session that was invalidated meanwhile, is a 500.
//
// The node writes a Note of every execution of a request: which session it worked
// on and what it wrote, under the name that the request carries in RequestHeader.
// A request that carries Look in WriteHeader is only shown its session, whatever
// page it comes to.
//
// It leaves out virtual hosts and contexts (there is one application, at the
// root), filters, asynchronous requests, TLS and AJP. One case of session creation
// is missing on purpose: Tomcat takes over the id that a client sent in a cookie
// for "/" if another application on the host already has a session of that id;
// with one application there is no other.
package appnode
