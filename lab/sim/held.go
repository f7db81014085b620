package sim

import "slices"

// holder is something that waits for a change of the fault table.
type holder interface {
	// retry looks again, and reports whether it still waits.
	retry() bool
}

// hold keeps something until the fault table lets it go.
func (w *World) hold(x holder) {
	for _, other := range w.holders {
		if other, ok := other.(*stream); ok && holder(other) == x {
			return
		}
		if other, ok := other.(*httpConn); ok && holder(other) == x {
			return
		}
	}
	w.holders = append(w.holders, x)
}

// lookAgain looks at something that the fault table has held, if it still waits.
func (w *World) lookAgain(x holder) {
	if i := slices.Index(w.holders, x); i >= 0 && !x.retry() {
		w.holders = slices.Delete(w.holders, i, i+1)
	}
}

// faultsChanged looks again at everything that waits for the fault table.
func (w *World) faultsChanged() {
	waiting := w.holders
	w.holders = nil
	for _, x := range waiting {
		if x.retry() {
			w.holders = append(w.holders, x)
		}
	}
	w.stir()
}
