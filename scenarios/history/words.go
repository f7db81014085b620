package history

// maxWords bounds the table of shared strings, for files in which every path is
// another one.
const maxWords = 1 << 16

// words stores strings that repeat once.
type words map[string]string

// share makes the strings of a record those of the table.
func (w words) share(r *Record) {
	for _, s := range []*string{&r.Label, &r.User, &r.Method, &r.Path, &r.On, &r.Node,
		&r.Sent, &r.Session, &r.SetCookie, &r.Err} {
		w.word(s)
	}
	for i := range r.Attempts {
		w.word(&r.Attempts[i].Node)
		w.word(&r.Attempts[i].Outcome)
	}
	for i := range r.Got {
		w.word(&r.Got[i].Name)
	}
	for i := range r.Want {
		w.word(&r.Want[i].Name)
	}
	if r.Write != nil {
		w.word(&r.Write.Name)
	}
}

func (w words) word(s *string) {
	if *s == "" {
		return
	}
	if known, ok := w[*s]; ok {
		*s = known
		return
	}
	if len(w) < maxWords {
		w[*s] = *s
	}
}
