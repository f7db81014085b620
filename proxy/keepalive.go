package proxy

import (
	"strconv"
	"time"
)

// countOnConnection decides, for each location that a request comes to, whether
// the client's connection ends with its answer. A location that ends it is not
// overruled by a later one. A return directive of the server level answers before
// any location is chosen, and never counts.
//
// Source: nginx ngx_http_core_module.c, ngx_http_update_location_config;
// ngx_http_request.c, ngx_http_finalize_connection.
func (x *exchange) countOnConnection(l *location) {
	if l.clientIdle == 0 || l.clientMax == 0 || x.keeper != nil && x.keeper.Served()+1 >= l.clientMax {
		x.lastOfClient = true
	}
}

// keepHeader is the Keep-Alive header that announces a time, nil for none.
//
// Source: nginx ngx_http_header_filter_module.c, ngx_http_header_filter.
func keepHeader(d time.Duration) []string {
	if d < time.Second {
		return nil
	}
	return []string{"timeout=" + strconv.FormatInt(int64(d/time.Second), 10)}
}
