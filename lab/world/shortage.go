package world

// Shortage says that this machine gave a world less than the lab needs, such as
// too few open files. It ends the run: no machine of the lab ever sees it.
type Shortage struct {
	Doing  string // what could not be done: "accept on 172.16.12.1:8080"
	Limit  string // what there is of it, and who says so; "" if that is not known
	Remedy string // what a person can do about it
	Err    error  // what the system said
}

func (s *Shortage) Error() string {
	text := s.Doing + ": " + s.Err.Error()
	if s.Limit != "" {
		text += " (" + s.Limit + ")"
	}
	return text
}

func (s *Shortage) Unwrap() error { return s.Err }
