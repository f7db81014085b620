package appnode

// Word is a page of the demo application, or a parameter of its pages, with what
// it does.
type Word struct {
	Form, Doc string
}

// Pages are the pages of the demo application, for a help page.
var Pages = []Word{
	{"/", "the page of the node in HTML: its name, the session's id, when that was made; sets the attribute test.org on each hit"},
	{"/index.jsp", "the same page"},
	{"/session", "shows the session; never makes one"},
	{"/counter", "reads the attribute count, makes a session if there is none; ?add=1 or POST adds one"},
	{"/set?name=NAME&value=VALUE", "sets an attribute; without a value removes it"},
	{"/mutate?name=NAME&value=VALUE", "changes the attribute's object in place, without setAttribute, so that nothing is replicated by itself"},
	{"/remove?name=NAME", "removes an attribute"},
	{"/login?user=USER", "logs in: rotates the session's id, sets the principal and the attribute user"},
	{"/logout", "invalidates the session; never makes one"},
	{"/request", "shows the request's attributes too: what the valves left there; never makes a session"},
	{"/status/N", "answers with the status N, 200 to 599; never makes a session"},
}

// Parameters may stand in the query of any page.
var Parameters = []Word{
	{"ms=N", "sleep N milliseconds between what is read and what is written"},
	{"size=N", "pad the answer to N bytes; from 8 KiB on it leaves before the session is replicated"},
	{"flush=1", "send the head of the answer before that sleep"},
}
