package continuity

import (
	"slices"
	"sort"
	"strconv"
	"time"
)

// Requests counts the requests of the load. Last looks are not among them, nor is
// what the end of the run cut off: Total is OK and Failed. A request is ok if a complete answer with a status below 500 arrived, unless it is
// that of a connector that refused the request.
type Requests struct {
	Total  int `json:"total"`
	OK     int `json:"ok"`
	Failed int `json:"failed"`
	// RefusedByNode are those of Failed that the connector of a node refused.
	RefusedByNode int `json:"refused_by_node"`
	Retried       int `json:"retried"`    // the proxy tried more than once
	Duplicated    int `json:"duplicated"` // executions of writes beyond the first
	// NotJudged are requests of which no node could note what they were, since the
	// proxy did not pass on their name.
	NotJudged int            `json:"not_judged"`
	ByNode    map[string]int `json:"by_node"`   // answers that name their node
	ByStatus  map[string]int `json:"by_status"` // "none" where no head arrived
}

// Latency is how long requests took, from sending to the end of the answer,
// over those of the load that got a head. Percentiles are nearest-rank.
type Latency struct {
	P50, P90, P99, Max time.Duration
}

// noStatus stands for the status of a request that got no head of an answer.
const noStatus = "none"

// isFault reports whether a timeline entry of this kind is a fault from which a
// service recovers. The timeline has a restart as the stop that it begins with.
func isFault(kind string) bool {
	switch kind {
	case "kill", "stop", "pause", "partition", "answer":
		return true
	}
	return false
}

// measureLoad fills in what is counted over all users.
func (c *checker) measureLoad() {
	req := &c.result.Requests
	req.ByNode, req.ByStatus = map[string]int{}, map[string]int{}
	var statuses [1000]int
	took := make([]time.Duration, 0, len(c.recs))
	for _, r := range c.recs {
		if !r.Load() {
			continue
		}
		req.Total++
		if r.Refused() {
			req.RefusedByNode++
		}
		if r.Unnamed() {
			req.NotJudged++
		}
		if r.Failed() {
			req.Failed++
		} else {
			req.OK++
		}
		if len(r.Attempts) > 1 {
			req.Retried++
		}
		if r.Node != "" {
			req.ByNode[r.Node]++
		}
		if r.Status > 0 && r.Status < len(statuses) {
			statuses[r.Status]++
			took = append(took, r.Ended-r.Started)
		} else {
			statuses[0]++
		}
	}
	for status, n := range statuses {
		switch {
		case n == 0:
		case status == 0:
			req.ByStatus[noStatus] = n
		default:
			req.ByStatus[strconv.Itoa(status)] = n
		}
	}
	if req.Total > 0 {
		c.result.HasLoad = true
		c.result.Availability = 100 * float64(req.OK) / float64(req.Total)
	}
	for f := range c.faults {
		took := c.outages[f]
		if took == 0 {
			took = c.waits[f]
		}
		c.result.Recovery = max(c.result.Recovery, took)
	}
	slices.Sort(took)
	c.result.Latency = Latency{rank(took, 50), rank(took, 90), rank(took, 99), rank(took, 100)}
}

// rank is the nearest-rank percentile of sorted values, zero if there are none.
func rank(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := (len(sorted)*percent + 99) / 100
	return sorted[max(i, 1)-1]
}

// measure counts what one user had, and finds how long that user went without a
// good answer.
//
// An outage of a user begins when a request is sent that will fail, and ends
// when the next good answer arrives, or with the last failure. Longest outage is
// the longest that any user had.
//
// Recovery from a fault: if a user's outage began with a failure that arrived
// between the fault and the next one, it is the time from the fault to the end
// of the last such outage. If none did, it is the longest that any user waited
// for the first answer after the fault, from the fault or from sending,
// whichever was later. Recovery is the longest over all faults.
func (c *checker) measure(p *person) {
	waited := make([]bool, len(c.faults))
	var began, last time.Duration
	out, fault := false, -1
	for _, i := range p.byEnd {
		r := c.recs[i]
		if !r.Load() {
			continue
		}
		if r.SetCookie != "" {
			p.setCookies++
		}
		f := c.faultBefore(r.Ended)
		if f >= 0 && !waited[f] {
			waited[f] = true
			c.result.HasFault = true
			c.waits[f] = max(c.waits[f], r.Ended-max(r.Started, c.faults[f].At))
		}
		switch {
		case r.Failed() && !out:
			out, began, fault = true, r.Started, f
		case !r.Failed() && out:
			out = false
			c.outage(began, r.Ended, fault)
		}
		last = r.Ended
	}
	if out {
		c.outage(began, last, fault)
	}
}

// outage enters one outage, and the fault it came after (-1 if none).
func (c *checker) outage(began, over time.Duration, fault int) {
	c.result.LongestOutage = max(c.result.LongestOutage, over-began)
	if fault >= 0 {
		c.outages[fault] = max(c.outages[fault], over-c.faults[fault].At)
	}
}

// faultBefore is the position of the latest fault at or before t, -1 if none.
func (c *checker) faultBefore(t time.Duration) int {
	return sort.Search(len(c.faults), func(i int) bool { return c.faults[i].At > t }) - 1
}
