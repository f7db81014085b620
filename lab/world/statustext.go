package world

import (
	"net/http"
	"strconv"
)

var statusTexts = func() (texts [600]string) {
	for code := range texts {
		texts[code] = strconv.Itoa(code)
	}
	return texts
}()

// StatusText is a status in digits, such as "200".
func StatusText(code int) string {
	if code >= 0 && code < len(statusTexts) {
		return statusTexts[code]
	}
	return strconv.Itoa(code)
}

var statusLines = func() (lines [600]string) {
	for code := range lines {
		lines[code] = strconv.Itoa(code) + " " + http.StatusText(code)
	}
	return lines
}()

// StatusLine is a status with its usual reason phrase, such as "404 Not Found",
// or "299 " where it has none.
func StatusLine(code int) string {
	if code >= 0 && code < len(statusLines) {
		return statusLines[code]
	}
	return strconv.Itoa(code) + " "
}

var bareLines = func() (lines [600]string) {
	for code := range lines {
		lines[code] = strconv.Itoa(code) + " "
	}
	return lines
}()

// BareStatusLine is a status with a blank and no reason phrase.
func BareStatusLine(code int) string {
	if code >= 0 && code < len(bareLines) {
		return bareLines[code]
	}
	return strconv.Itoa(code) + " "
}
