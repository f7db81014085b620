// Package upstream chooses the server of a group that gets a request, and
// decides which servers are left out for having failed: nginx's load balancing
// methods and its passive health, to the letter.
//
// Start with Group, which holds the servers and what is known about them, and
// Request, which walks one client request through a group: Next chooses, Done
// tells how the attempt ended.
//
// Everything here is a pure function of its input and of the time handed in:
// no clock, no lock, no randomness of its own, nothing of HTTP. A Group and its
// Requests must be guarded by their owner when several tasks use them.
//
// Time is whole seconds, as in nginx: the time handed in is cut to seconds, so
// fail_timeout=10s leaves a server out for more than 10 and at most 11 seconds.
//
// Left out: resolving names, connections and their reuse, slow_start and queue
// (commercial), least_time, shared memory zones (one worker is assumed).
package upstream
