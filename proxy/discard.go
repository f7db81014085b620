package proxy

import (
	"errors"

	"sessionlab/lab/world"
)

// discardBody drops what has arrived of the request's body, for an answer that
// needs none of it; what is still to come is dropped behind the answer. It asks
// for the body where the client waits for that. It reports false if what has
// arrived is no body.
//
// Source: nginx ngx_http_request_body.c, ngx_http_discard_request_body.
func (x *exchange) discardBody(ask bool) (ok bool) {
	if x.bodyRead {
		return true
	}
	x.bodyRead = true
	if !ask || x.unasked {
		x.doNotAsk()
	}
	body, ok := x.r.Body.(world.BodyDiscarder)
	return !ok || !errors.Is(body.Discard(), world.ErrBadChunk)
}

// doNotAsk leaves it to the client when it sends a body that it holds back.
//
// Source: nginx ngx_http_special_response.c, expect_tested.
func (x *exchange) doNotAsk() {
	if body, ok := x.r.Body.(world.BodyAsker); ok {
		body.Unasked()
	}
}
