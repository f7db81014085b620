package scenarios

import (
	"sessionlab/lab"
	"sessionlab/scenarios/history"
)

// Enter enters into a record what a lab has noted of its request.
func Enter(l *lab.Lab, room *history.Recorder, rec *history.Record, request string) {
	enter(l, room, rec, request)
}
