package scenarios

import (
	"sessionlab/appnode"
	"sessionlab/lab"
	"sessionlab/scenarios/history"
)

// Enter enters into a record what a lab has noted of its request.
func Enter(l *lab.Lab, room *history.Recorder, rec, before *history.Record, request string) {
	enter(l, room, rec, before, request)
}

// Same reports whether a record shares its notes with the one before.
func Same(notes []history.Note, again []appnode.Note) bool { return same(notes, again) }
