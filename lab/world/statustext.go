package world

import (
	"net/http"
	"strconv"
)

// status is a status as it is written.
type status struct{ digits, line, bare string }

func statusOf(code int) status {
	digits := strconv.Itoa(code)
	return status{digits: digits, line: digits + " " + http.StatusText(code), bare: digits + " "}
}

var statuses = func() (all [600]status) {
	for code := range all {
		all[code] = statusOf(code)
	}
	return all
}()

// written is a status from the table, or made where it is not in it.
func written(code int) status {
	if code >= 0 && code < len(statuses) {
		return statuses[code]
	}
	return statusOf(code)
}

// StatusText is a status in digits, such as "200".
func StatusText(code int) string { return written(code).digits }

// StatusLine is a status with its usual reason phrase, such as "404 Not Found",
// or "299 " where it has none.
func StatusLine(code int) string { return written(code).line }

// BareStatusLine is a status with a blank and no reason phrase.
func BareStatusLine(code int) string { return written(code).bare }
