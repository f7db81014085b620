package upstream

// Method is how a group chooses among its servers.
type Method uint8

const (
	RoundRobin     Method = iota // smooth weighted round robin, the default
	IPHash                       // ip_hash: by the client's address
	Hash                         // hash KEY
	ConsistentHash               // hash KEY consistent
	LeastConn                    // least_conn: fewest requests in flight, by weight
	Random                       // random
	RandomTwo                    // random two: the less loaded of two draws
)

// String is the directive that selects the method.
func (m Method) String() string {
	return [...]string{"round_robin", "ip_hash", "hash", "hash consistent", "least_conn", "random", "random two"}[m]
}

// Backups reports whether the method accepts backup servers.
func (m Method) Backups() bool { return m == RoundRobin || m == LeastConn }

// maxPicks is how many unusable picks a request may make with a hash or random
// method before it falls back to round robin.
const maxPicks = 20
