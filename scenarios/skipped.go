package scenarios

import (
	"fmt"

	"sessionlab/lab"
)

// skippedLines says of each line of the proxy's configuration that is not
// simulated, and that can change outcomes, what it means for the run: a request
// that has passed it makes the run void, otherwise it is worth a note.
func skippedLines(l *lab.Lab) (void, notes []string) {
	for _, s := range l.Skipped() {
		what := fmt.Sprintf("%s: %s is not simulated", s.Pos, s.Directive)
		switch s.Requests {
		case 0:
			notes = append(notes, what+"; no request that it concerns came")
		case 1:
			void = append(void, what+", and 1 request passed it: "+s.Reason)
		default:
			void = append(void, fmt.Sprintf("%s, and %d requests passed it: %s", what, s.Requests, s.Reason))
		}
	}
	return void, notes
}
