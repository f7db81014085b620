// Package users is the virtual users of a scenario: each has a host, a cookie
// jar and connections of its own, sends requests and records what it saw.
//
// Start with User and User.Do, which performs one request; Journey is what a
// user of a population does by itself, over and over.
//
// It leaves out what a browser does beside the pages asked for: no images, no
// redirects followed, no repeating of failed requests. What a user saw is
// recorded in package history and judged elsewhere.
package users
