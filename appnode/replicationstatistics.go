package appnode

import (
	"fmt"
	"sync"
	"time"
)

// ReplicationStatistics are what a ReplicationValve has counted since it was
// made. Requests that ended while there was no other member are left out. Times
// are by the node's wall clock, in whole milliseconds for each request: a step of
// that clock is in them.
// Source: Tomcat ReplicationValve.java, updateStats.
type ReplicationStatistics struct {
	Requests int // that came to their end
	Sent     int // of them, those that sent a message about their session
	Filtered int // of them, those with a session that the filter kept back
	// RequestTime is what the requests took in all, and SendTime the part of it
	// that their replication took: with an acknowledged send, the waiting too.
	RequestTime, SendTime time.Duration
	// LastSend is when the latest request ended; zero if none has.
	LastSend time.Time
}

// String is the statistics in a sentence.
func (s ReplicationStatistics) String() string {
	n := time.Duration(max(1, s.Requests))
	return fmt.Sprintf("%d requests of %v each, %v of it to replicate; %d sent, %d filtered",
		s.Requests, (s.RequestTime / n).Round(time.Microsecond), (s.SendTime / n).Round(time.Microsecond), s.Sent, s.Filtered)
}

// replicationCounts are statistics that several requests add to.
type replicationCounts struct {
	mu  sync.Mutex // guards memory only
	sum ReplicationStatistics
}

// Statistics are the counts so far; on is false if none are kept.
func (v *ReplicationValve) Statistics() (s ReplicationStatistics, on bool) {
	v.counts.mu.Lock()
	defer v.counts.mu.Unlock()
	return v.counts.sum, v.cfg.Statistics
}

// toldEvery is how many requests lie between two calls of Told.
// Source: Tomcat ReplicationValve.java, updateStats.
const toldEvery = 100

// count adds a request. Times are milliseconds of the wall clock.
func (v *ReplicationValve) count(result replicated, began, sending, ended int64) {
	v.counts.mu.Lock()
	s := &v.counts.sum
	s.Requests++
	switch result {
	case sent:
		s.Sent++
	case filtered:
		s.Filtered++
	}
	s.RequestTime += time.Duration(ended-began) * time.Millisecond
	s.SendTime += time.Duration(ended-sending) * time.Millisecond
	s.LastSend = time.UnixMilli(ended)
	now := *s
	v.counts.mu.Unlock()
	if v.cfg.Told != nil && now.Requests%toldEvery == 0 {
		v.cfg.Told(now)
	}
}
