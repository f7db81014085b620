package continuity

import (
	"strings"
	"testing"
	"time"
)

// Every class, and beside it what looks like it and is none.
var classRows = []struct {
	name string
	opts Options
	tale string
	want string
}{
	{"a session that is only read", Options{}, `
		alice 0-1 /session sent=- : 200 a -
		alice 2-3 /counter : 200 a S1*
		alice 4-5 /session : 200 b S1`,
		"kept stale=0 twice=0"},
	{"every write is seen", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /session : 200 b S1 cart=pen#1/1
		alice 9-9 /session audit : 200 a S1 cart=pen#1/1`,
		"kept stale=0 twice=0"},

	{"lost: a new session is given", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		! 2 kill a
		alice 3-4 /counter : 200 b S2.b*
		alice 5-6 /session : 200 b S2.b`,
		"lost kept stale=0 twice=0"},
	{"lost: none is given where one was due", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 3-4 /session : 200 b -
		alice 9-9 /session audit : 200 b -`,
		"lost stale=0 twice=0"},
	{"lost: the new session comes as a bare cookie", Options{}, `
		alice 0-1 / : 200 a html cookie=S1.a
		alice 3-4 / : 200 b html cookie=S2.b`,
		"lost kept stale=0 twice=0"},
	{"lost on every request: round robin without replication", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-3 /add : 200 b S2* count=1#2/1
		alice 4-5 /add : 200 a S3* count=1#3/1`,
		"lost lost kept stale=0 twice=0"},
	{"no loss: the id changes at login", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 2-3 /login?user=alice : 200 a S2.a cart=pen#1/1
		alice 4-5 /session : 200 a S2.a cart=pen#1/1`,
		"kept stale=0 twice=0"},
	{"no loss: the route changes at failover", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		! 2 kill a
		alice 3-4 /session : 200 b S1.b cart=pen#1/1
		alice 5-6 /session : 200 b S1.b cart=pen#1/1`,
		"kept stale=0 twice=0"},
	{"no loss: a copy that its user meets first still says that it is new", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 2-3 /session : 200 b S1.b* cart=pen#1/1
		alice 4-5 /login?user=alice : 200 c S2.c* cart=pen#1/1`,
		"kept stale=0 twice=0"},
	{"no loss: a login without any write before it", Options{}, `
		alice 0-1 /counter : 200 a S1.a*
		alice 2-3 /login?user=alice : 200 b S2.b*`,
		"kept stale=0 twice=0"},
	{"no loss: the answer to a login was cut behind its head", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 2-3 /login?user=alice : 200! a html cookie=S2.a
		alice 4-5 /session : 200 a S2.a cart=pen#1/1`,
		"kept stale=0 twice=0"},
	{"no loss: the script presents an old id that leads nowhere", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 2-3 /login?user=alice : 200 a S2.a cart=pen#1/1
		alice 4-5 /session sent=S1.a foreign : 200 a -
		alice 6-7 /session : 200 a S2.a cart=pen#1/1`,
		"kept stale=0 twice=0"},
	{"no loss: the script presents an old id and is given a session", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 2-3 /login?user=alice : 200 a S2.a cart=pen#1/1
		alice 4-5 /counter sent=S1.a foreign : 200 a S3.a*`,
		"kept kept stale=0 twice=0"},
	{"lost at login: the node knew nothing of it", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 2-3 /login?user=alice : 200 b S2.b*`,
		"lost kept stale=0 twice=0"},
	{"no loss: a new session after logout, with the old cookie", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /logout : 200 a -
		alice 4-5 /add : 200 a S2* count=1#2/1`,
		"kept kept stale=0 twice=0"},
	{"no loss: a logout that timed out may have worked", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /logout : timeout
		alice 4-5 /add : 200 a S2* count=1#2/1`,
		"kept kept stale=0 twice=0"},
	{"no loss: a logout in another tab overlaps", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-6 /logout : 200 a -
		alice 3-5 /session : 200 a -`,
		"kept stale=0 twice=0"},
	{"no loss: nobody had used it for the session timeout", Options{MaxInactive: 60 * ms}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 61-62 /add : 200 a S2* count=1#2/1`,
		"kept kept stale=0 twice=0"},
	{"lost: gone before the session timeout", Options{MaxInactive: 60 * ms}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 30-31 /session : 200 a S1 cart=pen#1/1
		alice 62-63 /add : 200 a S2* count=1#2/1`,
		"lost kept stale=0 twice=0"},
	{"no loss: two tabs without a cookie get a session each", Options{}, `
		alice 0-4 /add : 200 a S1* count=1#1/1
		alice 1-5 /add sent=- : 200 b S2* count=1#2/1
		alice 6-7 /session : 200 b S2 count=1#2/1`,
		"kept kept stale=0 twice=0"},
	{"no loss: cookies are off", Options{}, `
		bob 0-1 /add : 200 a S1* count=1#1/1
		bob 2-3 /add sent=- : 200 b S2* count=1#2/1`,
		"kept kept stale=0 twice=0"},
	{"no loss: an error page knows no session", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /session : 502
		alice 4-5 /session : 404 a html
		alice 6-7 /session : 200 a S1 cart=pen#1/1`,
		"kept stale=0 twice=0"},
	{"stale, not lost: the copy was late and the session is seen again", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /session : 200 b -
		alice 4-5 /session : 200 b S1 cart=pen#1/1`,
		"kept stale=1 twice=0"},
	{"lost: the answer of another tab gives a new session and the jar takes it", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 2-9 /session : 200 a S1.a cart=pen#1/1
		alice 3-5 /add : 200 b S2.b* count=1#2/1
		alice 12-13 /session : 200 b S2.b count=1#2/1`,
		"lost kept stale=0 twice=0"},

	{"rolled back: an acknowledged value is never seen again", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=book : 200 a S1 cart=book#2/2
		! 4 kill a
		alice 5-6 /session : 200 b S1 cart=pen#1/1
		alice 9-9 /session audit : 200 b S1 cart=pen#1/1`,
		"rolled_back stale=0 twice=0"},
	{"rolled back: the attribute never got to the other node", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /session : 200 b S1`,
		"rolled_back stale=0 twice=0"},
	{"rolled back: an increment is lost on a stale copy", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-3 /add : 200 b S1 count=2#2/2
		alice 4-5 /add : 200 a S1 count=2#3/2
		alice 6-7 /session : 200 b S1 count=2#3/2`,
		"rolled_back stale=0 twice=0"},
	{"rolled back: two overlapping increments read the same number", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-6 /add : 200 a S1 count=2#2/2
		alice 3-7 /add : 200 b S1 count=2#3/2
		alice 9-9 /session audit : 200 a S1 count=2#3/2`,
		"rolled_back stale=0 twice=0"},
	{"rolled back: a removed attribute is back for good", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /remove?name=cart : 200 a S1
		alice 4-5 /session : 200 b S1 cart=pen#1/1`,
		"rolled_back stale=0 twice=0"},
	{"rolled back: a change in place stays on its node", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /mutate?name=cart&value=book : 200 a S1 cart=book#2/2
		alice 4-5 /session : 200 b S1 cart=pen#1/1`,
		"rolled_back stale=0 twice=0"},
	{"kept: a change in place found nothing to change", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-3 /mutate?name=cart&value=book : 200 a S1 count=1#1/1
		alice 4-5 /session : 200 b S1 count=1#1/1`,
		"kept stale=0 twice=0"},
	{"kept: two overlapping increments, either order", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-6 /add : 200 a S1 count=3#2/3
		alice 3-7 /add : 200 a S1 count=2#3/2
		alice 9-9 /session audit : 200 a S1 count=3#2/3`,
		"kept stale=0 twice=0"},
	{"kept: an answer without counts says nothing about them", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/0
		alice 2-3 /add : 200 a S1 count=2#2/0
		alice 4-5 /session : 200 b S1 count=2#2/0`,
		"kept stale=0 twice=0"},
	{"kept: a number under another name is no write of it", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-3 /set?name=cart&value=pen : 200 a S1 cart=pen#2/1 count=1#1/1
		alice 4-5 /session : 200 a S1 cart=pen#2/1 count=9#2/9`,
		"kept stale=0 twice=0"},
	{"kept: a later write of the same user wins", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=book : 200 a S1 cart=book#2/2
		alice 4-5 /session : 200 b S1 cart=book#2/2`,
		"kept stale=0 twice=0"},
	{"kept: overlapping sets, the first sent wins", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-6 /set?name=cart&value=pen : 200 a S1 cart=pen#2/2 count=1#1/1
		alice 3-5 /set?name=cart&value=book : 200 a S1 cart=book#3/1 count=1#1/1
		alice 7-8 /session : 200 a S1 cart=pen#2/2 count=1#1/1`,
		"kept stale=0 twice=0"},
	{"kept: a write that timed out is seen later", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=book : timeout
		alice 4-5 /session : 200 b S1 cart=pen#1/1
		alice 6-7 /session : 200 b S1 cart=book#2/2`,
		"kept stale=0 twice=0"},
	{"kept: a write that timed out is never seen", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-3 /add : 502
		alice 4-5 /session : 200 b S1 count=1#1/1`,
		"kept stale=0 twice=0"},
	{"kept: a write whose answer was cut overwrites a later one", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200! a
		alice 2-3 /set?name=cart&value=book sent=- : 200 b S1* cart=book#2/1
		alice 4-5 /set?name=cart&value=ink : 200! b
		alice 6-7 /set?name=cart&value=cup : 200 b S1 cart=cup#4/2
		alice 8-9 /session : 200 b S1 cart=ink#3/3`,
		"kept stale=0 twice=0"},
	{"rolled back: a maybe that had shown already comes back after a newer write", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=ink : timeout
		alice 4-5 /session : 200 b S1 cart=ink#2/2
		alice 6-7 /set?name=cart&value=cup : 200 b S1 cart=cup#3/3
		alice 8-9 /session : 200 a S1 cart=ink#2/2`,
		"rolled_back stale=0 twice=0"},

	{"stale: an old value, then healed", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=book : 200 a S1 cart=book#2/2
		alice 4-5 /session : 200 b S1 cart=pen#1/1
		alice 6-7 /session : 200 b S1 cart=book#2/2`,
		"kept stale=1 twice=0"},
	{"stale: a removed attribute, then healed", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /remove?name=cart : 200 a S1
		alice 4-5 /session : 200 b S1 cart=pen#1/1
		alice 6-7 /session : 200 b S1`,
		"kept stale=1 twice=0"},
	{"stale and rolled back: of two writes that one answer lacks the older is seen later", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=book : 200 a S1 cart=book#2/2
		alice 4-5 /session : 200 b S1
		alice 6-7 /session : 200 b S1 cart=pen#1/1`,
		"rolled_back stale=1 twice=0"},
	{"stale once for two attributes in one answer", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /add : 200 a S1 cart=pen#1/1 count=1#2/1
		alice 4-5 /session : 200 b S1
		alice 6-7 /session : 200 b S1 cart=pen#1/1 count=1#2/1`,
		"kept stale=1 twice=0"},
	{"not stale: the reading overlaps the write", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-6 /set?name=cart&value=book : 200 a S1 cart=book#2/2
		alice 3-5 /session : 200 b S1 cart=pen#1/1
		alice 7-8 /session : 200 b S1 cart=book#2/2`,
		"kept stale=0 twice=0"},
	{"an answer that ends at the instant the next is sent comes before it", Options{}, `
		alice 0-2 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-4 /set?name=cart&value=book : 200 a S1 cart=book#2/2
		alice 4-6 /session : 200 b S1 cart=pen#1/1
		alice 6-8 /session : 200 b S1 cart=book#2/2`,
		"kept stale=1 twice=0"},

	{"forked: two attributes, one on each node", Options{}, `
		alice 0-1 /session : 200 a S1*
		! 2 partition a b
		alice 3-4 /set?name=cart&value=pen : 200 a S1 cart=pen#1/1
		alice 5-6 /set?name=coat&value=red : 200 b S1 coat=red#2/1
		alice 7-8 /session : 200 a S1 cart=pen#1/1
		alice 9-9 /session audit : 200 b S1 coat=red#2/1`,
		"forked stale=2 twice=0"},
	{"forked: one attribute, each copy counts its own write only", Options{}, `
		alice 0-1 /session : 200 a S1*
		alice 3-6 /set?name=cart&value=pen : 200 a S1 cart=pen#1/1
		alice 3-6 /set?name=cart&value=ink : 200 b S1 cart=ink#2/1
		alice 7-8 /session : 200 a S1 cart=pen#1/1
		alice 9-9 /session audit : 200 b S1 cart=ink#2/1`,
		"forked stale=0 twice=0"},
	{"not forked: both copies have both in the end", Options{}, `
		alice 0-1 /session : 200 a S1*
		alice 3-4 /set?name=cart&value=pen : 200 a S1 cart=pen#1/1
		alice 5-6 /set?name=coat&value=red : 200 b S1 coat=red#2/1
		alice 7-8 /session : 200 a S1 cart=pen#1/1
		alice 9-10 /session : 200 b S1 cart=pen#1/1 coat=red#2/1
		alice 19-19 /session audit : 200 a S1 cart=pen#1/1 coat=red#2/1`,
		"kept stale=2 twice=0"},
	{"forked: two of three nodes", Options{}, `
		alice 0-1 /session : 200 a S1*
		alice 2-3 /set?name=cart&value=pen : 200 a S1 cart=pen#1/1
		alice 4-5 /set?name=coat&value=red : 200 b S1 coat=red#2/1
		alice 6-7 /session : 200 c S1
		alice 8-9 /session : 200 a S1 cart=pen#1/1`,
		"forked stale=2 twice=0"},
	{"not forked: a third node has both", Options{}, `
		alice 0-1 /session : 200 a S1*
		alice 2-3 /set?name=cart&value=pen : 200 a S1 cart=pen#1/1
		alice 4-5 /set?name=coat&value=red : 200 b S1 coat=red#2/1
		alice 6-7 /session : 200 a S1 cart=pen#1/1
		alice 8-9 /session : 200 c S1 cart=pen#1/1 coat=red#2/1`,
		"kept stale=2 twice=0"},
	{"not forked: what one copy lacks was removed", Options{}, `
		alice 0-1 /session : 200 a S1*
		alice 2-3 /set?name=cart&value=pen : 200 a S1 cart=pen#1/1
		alice 4-5 /remove?name=cart : 200 b S1
		alice 6-7 /set?name=coat&value=red : 200 b S1 coat=red#3/1
		alice 8-9 /session : 200 a S1 cart=pen#1/1
		alice 19-19 /session audit : 200 b S1 coat=red#3/1`,
		"kept stale=1 twice=0"},
	{"not forked: one copy is only behind", Options{}, `
		alice 0-1 /session : 200 a S1*
		alice 3-4 /set?name=cart&value=pen : 200 a S1 cart=pen#1/1
		alice 5-6 /set?name=coat&value=red : 200 a S1 cart=pen#1/1 coat=red#2/1
		alice 7-8 /session : 200 b S1 cart=pen#1/1
		alice 9-9 /session audit : 200 a S1 cart=pen#1/1 coat=red#2/1`,
		"kept stale=1 twice=0"},

	{"resurrected: another node still knows it", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /logout : 200 a -
		alice 9-9 /session audit : 200 b S1 cart=pen#1/1`,
		"resurrected stale=0 twice=0"},
	{"resurrected under its earlier route", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 2-3 /session : 200 b S1.b cart=pen#1/1
		alice 4-5 /logout : 200 b -
		alice 9-9 /session sent=S1.a audit : 200 a S1.a cart=pen#1/1`,
		"resurrected stale=0 twice=0"},
	{"not resurrected: a knock with the old cookie finds nothing", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /logout : 200 a -
		alice 9-9 /session audit : 200 b -`,
		"kept stale=0 twice=0"},
	{"not resurrected: the logout failed", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /logout : 502
		alice 4-5 /session : 200 a S1 cart=pen#1/1`,
		"kept stale=0 twice=0"},
	{"not resurrected: the reading overlaps the logout", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-6 /logout : 200 a -
		alice 3-7 /session : 200 a S1 cart=pen#1/1`,
		"kept stale=0 twice=0"},

	{"leaked: somebody else's write is shown", Options{}, `
		alice 0-1 /set?name=cart&value=secret : 200 a S1* cart=secret#1/1
		bob 0-1 /add : 200 a S2* count=1#2/1
		bob 2-3 /session : 200 a S2 cart=secret#1/1`,
		"kept leaked stale=0 twice=0"},
	{"leaked: the script presents somebody else's id, and it is taken", Options{}, `
		alice 0-1 /counter : 200 a S1*
		bob 2-3 /session sent=S1 foreign : 200 a S1`,
		"kept leaked stale=0 twice=0"},
	{"not leaked: the script presents somebody else's id, and it is not taken", Options{}, `
		alice 0-1 /counter : 200 a S1*
		bob 2-3 /counter sent=S1 foreign : 200 b S2*`,
		"kept kept stale=0 twice=0"},
	{"leaked: somebody else's session is given", Options{}, `
		alice 0-1 /counter : 200 a S1*
		bob 2-3 /session : 200 a S1`,
		"kept leaked stale=0 twice=0"},
	{"not leaked: the same value, written by each", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		bob 0-1 /set?name=cart&value=pen : 200 a S2* cart=pen#2/1`,
		"kept kept stale=0 twice=0"},
	{"not leaked: a write that nobody in the history made", Options{}, `
		alice 0-1 /counter : 200 a S1* cart=pen#77/1 seen=yes#0/1`,
		"kept stale=0 twice=0"},

	{"executed twice: the proxy tried again", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		! 2 pause a
		alice 3-9 /add tries=a,b noted=2 : 200 b S1 count=3#2/3
		alice 12-13 /session : 200 b S1 count=3#2/3`,
		"kept stale=0 twice=1"},
	{"executed twice: one write is seen with two counts", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-3 /add : 200 b S1 count=2#2/2
		alice 4-9 /add tries=b,a noted=2 : 200 a S1 count=2#3/2
		alice 12-13 /session : 200 b S1 count=3#3/3`,
		"kept stale=1 twice=1"},
	{"executed once: tried again after a refused connection", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 3-9 /add tries=a,b : 200 b S1 count=2#2/2
		alice 12-13 /session : 200 b S1 count=2#2/2`,
		"kept stale=0 twice=0"},
	{"executed once: the increment that timed out counts late", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 3-9 /add : timeout
		alice 12-13 /add : 200 b S1 count=3#3/3`,
		"kept stale=0 twice=0"},

	{"the worst class wins", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=ink : 200 a S1 cart=ink#2/2
		alice 4-5 /session : 200 b S1 cart=pen#1/1
		alice 6-7 /add : 200 c S2* count=1#3/1`,
		"lost kept stale=0 twice=0"},

	{"lost: nobody answers the last look, and no copy is left", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		! 2 kill a
		alice 9-9 /session audit : 502
		= b S7`,
		"lost stale=0 twice=0"},
	{"unseen: nobody answers the last look, and a copy is left under another route", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 9-9 /session audit noted=0 : timeout
		= b S1.b`,
		"unseen stale=0 twice=0"},
	{"unseen: nobody answers the last look, and what is left was not looked for", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 9-9 /session audit : 502`,
		"unseen stale=0 twice=0"},
	{"unseen: the node answers the last look with an error", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 9-9 /session audit : 503 a html
		= a S1.a`,
		"unseen stale=0 twice=0"},
	{"not unseen: the second way of the last look leads to a node", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 8-8 /session audit : 404
		alice 9-9 /shop/session audit : 200 a S1.a cart=pen#1/1
		= a S1.a`,
		"kept stale=0 twice=0"},
	{"unseen, though logged out: a copy is left that may still know its user", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /logout : 200 a -
		alice 9-9 /session sent=S1 audit : 502
		= b S1`,
		"unseen stale=0 twice=0"},
	{"not lost: it was logged out, and no copy is left", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /logout : 200 a -
		alice 9-9 /session sent=S1 audit : 502
		=`,
		"kept stale=0 twice=0"},
	{"not lost: nobody had used it for the session timeout", Options{MaxInactive: 60 * ms}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 62-63 /session audit : 502
		=`,
		"kept stale=0 twice=0"},
	{"unseen, not rolled back: a later look could have shown what an answer missed", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /session : 200 b S1
		alice 9-9 /session audit : 502
		= b S1`,
		"unseen stale=1 twice=0"},
	{"unseen, not forked: a later look could have shown both", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=ink : 200 b S1 cart=ink#2/1
		alice 4-5 /set?name=gift&value=rose : 200 a S1 cart=pen#1/1 gift=rose#3/1
		alice 6-7 /session : 200 b S1 cart=ink#2/1
		alice 9-9 /session audit : 404
		= a S1
		= b S1`,
		"unseen stale=2 twice=0"},
	{"unseen, though nobody looked: what the latest answer missed may be there", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /session : 200 b S1
		= b S1`,
		"unseen stale=1 twice=0"},
	{"rolled back, though nobody looked: nothing says that the run is over", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /session : 200 b S1`,
		"rolled_back stale=0 twice=0"},
	{"kept: nobody presents it any more, and a copy lives", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		= b S1`,
		"kept stale=0 twice=0"},
	{"lost: nobody presents it any more, and no copy is left", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=pen sent=- : 200 a S2* cart=pen#2/1
		= a S2`,
		"lost kept stale=0 twice=0"},
	{"lost: the browser cannot present it, and the next page gives a new one", Options{}, `
		alice 0-1 /set?name=cart&value=pen sent=- withheld : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=pen sent=- withheld : 200 a S2* cart=pen#2/1
		= a S1
		= a S2`,
		"lost kept stale=0 twice=0"},
	{"lost: the browser cannot present it, and the next page knows none", Options{}, `
		alice 0-1 /set?name=cart&value=pen withheld : 200 a S1* cart=pen#1/1
		alice 2-3 /session sent=- : 200 a -
		= a S1`,
		"lost stale=0 twice=0"},
	{"kept: the browser cannot present it, and the next page was asked for before", Options{}, `
		alice 0-4 /set?name=cart&value=pen withheld : 200 a S1* cart=pen#1/1
		alice 2-5 /set?name=cart&value=pen sent=- : 200 a S2* cart=pen#2/1
		= a S1
		= a S2`,
		"kept kept stale=0 twice=0"},
	{"kept: the script left the cookie out", Options{}, `
		alice 0-1 /set?name=cart&value=pen withheld : 200 a S1* cart=pen#1/1
		alice 2-3 /set?name=cart&value=pen sent=- foreign : 200 a S2* cart=pen#2/1
		= a S1
		= a S2`,
		"kept kept stale=0 twice=0"},
	{"not lost: nobody presents it any more, and it may have expired", Options{MaxInactive: 60 * ms}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		bob 70-71 /session : 200 a -
		=`,
		"kept stale=0 twice=0"},

	{"a page is what its node says: a write behind a read's path", Options{}, `
		alice 0-1 /session page=/set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /shop/look page=/session : 200 b S1`,
		"rolled_back stale=0 twice=0"},
	{"a page is what its node says: a read behind a write's path", Options{}, `
		alice 0-1 /counter : 200 a S1*
		alice 2-3 /add page=/session : 200 a S1`,
		"kept stale=0 twice=0"},
	{"a page is what its node says: a logout behind another path", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /bye page=/logout : 200 a -
		alice 9-9 /session audit : 200 b S1 cart=pen#1/1`,
		"resurrected stale=0 twice=0"},
	{"a page is what its node says: no logout behind the path of one", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /logout page=/session : 200 a S1 cart=pen#1/1
		alice 4-5 /session : 200 b -`,
		"lost stale=0 twice=0"},
	{"a page is what its node says: a login behind another path", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		alice 2-3 /enter page=/login?user=alice : 200! a html cookie=S2.a
		alice 4-5 /session : 200 a S2.a cart=pen#1/1`,
		"kept stale=0 twice=0"},
	{"the proxy's own 200 acknowledges nothing", Options{}, `
		alice 0-1 /counter : 200 a S1*
		alice 2-3 /add noted=0 : 200
		alice 4-5 /session : 200 a S1`,
		"kept stale=0 twice=0"},
	{"the proxy's own 200 is no use of the session", Options{MaxInactive: 60 * ms}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 30-31 /logo noted=0 : 200
		alice 61-62 /add : 200 a S2* count=1#2/1`,
		"kept kept stale=0 twice=0"},
	{"a request that no node noted was no logout", Options{}, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /logout noted=0 : timeout
		alice 4-5 /session : 200 b -`,
		"lost stale=0 twice=0"},
	{"executed twice on two sessions", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-9 /add tries=a,b noted=2 : 200 b S2* count=1#2/1`,
		"lost kept stale=0 twice=1"},
	{"executed twice, and nobody was answered", Options{}, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-9 /add tries=a,b noted=2 : 504`,
		"kept stale=0 twice=1"},
}

func TestEverySessionGetsItsClass(t *testing.T) {
	for _, row := range classRows {
		t.Run(row.name, func(t *testing.T) {
			h := tale(t, row.tale)
			r := Check(h, row.opts)
			if got := summary(r); got != row.want {
				t.Errorf("Check = %q, want %q\n%s\n%+v", got, row.want, row.tale, r.Anomalies)
			}
			stories := 0
			for _, s := range r.List {
				if s.Class != Kept {
					stories++
				}
			}
			if len(r.Anomalies) < stories+r.Sessions.StaleReads {
				t.Errorf("%d anomalies are told, want at least %d: %+v", len(r.Anomalies), stories+r.Sessions.StaleReads, r.Anomalies)
			}
		})
	}
}

func TestStoryOfALossNamesNodesTimesAndTheFault(t *testing.T) {
	r := Check(tale(t, `
		alice 0-1 /set?name=cart&value=pen : 200 a S1.a* cart=pen#1/1
		! 2 kill a
		! 3 start a
		alice 3-4 /add : 200 b S2.b* count=1#2/1`), Options{})
	want := Anomaly{Kind: "lost", User: "alice", At: 4 * ms, Node: "b", Request: "alice/2", Mechanism: CopyDied,
		Explanation: "alice presented session S1.a, last answered by a at 0.001s, and b gave a new one, S2.b. " +
			"With it went what had been acknowledged: cart=pen. Before it, at 0.002s: kill a. Only a held the session."}
	if len(r.Anomalies) != 1 || r.Anomalies[0] != want {
		t.Errorf("anomalies = %+v, want %+v", r.Anomalies, want)
	}
}

func TestStoriesShortenLongIDs(t *testing.T) {
	for _, row := range []struct{ id, want string }{
		{"B01DC5DE2C4414FE757E9E4B85AC762C.tomcat1", "B01DC5DE.tomcat1"}, {"B01DC5DE2C4414FE757E9E4B85AC762C", "B01DC5DE"},
		{"S1.tomcat1", "S1.tomcat1"}, {"", ""},
	} {
		if got := short(row.id); got != row.want {
			t.Errorf("short(%q) = %q, want %q", row.id, got, row.want)
		}
	}
}

func TestThousandStoriesOfAKindAreEnough(t *testing.T) {
	var b strings.Builder
	b.WriteString("alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1\nalice 2-3 /set?name=cart&value=ink : 200 a S1 cart=ink#2/2\n")
	for range maxTold + 5 {
		b.WriteString("alice 4-5 /session : 200 b S1 cart=pen#1/1\n")
	}
	b.WriteString("alice 6-7 /session : 200 b S1 cart=ink#2/2\n")
	r := Check(tale(t, b.String()), Options{})
	if r.Sessions.StaleReads != maxTold+5 || len(r.Anomalies) != maxTold || r.Untold != 5 {
		t.Errorf("stale reads %d, told %d, untold %d; want %d, %d, 5", r.Sessions.StaleReads, len(r.Anomalies), r.Untold, maxTold+5, maxTold)
	}
}

func TestCheckTakesAnEmptyHistory(t *testing.T) {
	r := Check(tale(t, ""), Options{MaxInactive: time.Minute})
	if r.Users != 0 || r.Sessions.Total() != 0 || r.HasLoad || r.HasFault || len(r.Anomalies) != 0 {
		t.Errorf("Check of nothing = %+v", r)
	}
}

func TestStoryOfAWriteExecutedTwiceNamesTheTries(t *testing.T) {
	h := tale(t, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-9 /add tries=a,b noted=2 : 200 b html
		alice 10-11 /add : 200 b S1 count=4#3/4`)
	for i := range h.Requests[1].Notes {
		h.Requests[1].Notes[i].Writes, h.Requests[1].Notes[i].Session = int64(2+i), "S1"
	}
	r := Check(h, Options{})
	want := Anomaly{Kind: "duplicated", User: "alice", At: 9 * ms, Node: "b", Request: "alice/2", Mechanism: RepeatedByProxy,
		Explanation: "alice/2 (GET /add) was sent once, tried by the proxy on a (tried) and b (tried), and executed twice: " +
			"by a, which left count of S1 with 2 writes applied, and by b, which left count of S1 with 3 writes applied. No fault came before it."}
	if len(r.Anomalies) != 1 || r.Anomalies[0] != want {
		t.Errorf("anomalies = %+v, want %+v", r.Anomalies, want)
	}
}

// Every kind of event is either a fault, of which a service recovers, or what can
// explain a story all the same, or neither.
func TestFaultsAndCauses(t *testing.T) {
	for _, row := range []struct {
		kinds        string
		fault, cause bool
	}{
		{"kill stop pause partition answer", true, true},
		{"skew hold drop delay duplicate", false, true},
		{"start resume heal release answer_ok up sees misses excludes readmits session broken", false, false},
	} {
		for kind := range strings.FieldsSeq(row.kinds) {
			r := Check(tale(t, `
				alice 0-1 /counter : 200 a S1*
				! 2 `+kind+` a
				alice 3-4 /counter : 200 b S2*
				! 5 kill later`), Options{})
			if r.HasFault != row.fault {
				t.Errorf("%s is a fault: got %v, want %v", kind, r.HasFault, row.fault)
			}
			cause := "No fault came before it."
			if row.cause {
				cause = "Before it, at 0.002s: " + kind + " a."
			}
			if story := r.Anomalies[0].Explanation; !strings.Contains(story, cause) {
				t.Errorf("%s: the story of a loss is %q, want one with %q", kind, story, cause)
			}
		}
	}
}

func TestCauseIsTheLatestThatConcernsANodeOfTheStory(t *testing.T) {
	r := Check(tale(t, `
		alice 0-1 /counter : 200 a S1*
		! 2 kill a
		! 3 kill c
		alice 4-5 /counter : 200 b S2*`), Options{})
	if story, want := r.Anomalies[0].Explanation, "Before it, at 0.002s: kill a."; !strings.Contains(story, want) {
		t.Errorf("the story of a loss is %q, want one with %q", story, want)
	}
}

func TestAnUnfinishedRunCountsEveryAnswerThatMissedAWrite(t *testing.T) {
	const story = `
		alice 0-1 /set?name=cart&value=pen : 200 a S1* cart=pen#1/1
		alice 2-3 /session : 200 b S1`
	h := tale(t, story)
	if got := Check(h, Options{Unfinished: true}).Sessions.StaleReads; got != 1 {
		t.Errorf("stale reads while the run goes on = %d, want 1", got)
	}
	got := Check(h, Options{}).Sessions
	if got.StaleReads != 0 || got.RolledBack != 1 {
		t.Errorf("at the end: %d stale reads, %d rolled back; want 0, 1", got.StaleReads, got.RolledBack)
	}
	counted := tale(t, `
		alice 0-1 /add : 200 a S1* count=1#1/1
		alice 2-3 /add : 200 a S1 count=2#2/2
		alice 4-5 /add : 200 b S1 count=2#3/2`)
	if got := Check(counted, Options{Unfinished: true}).Sessions.StaleReads; got != 1 {
		t.Errorf("stale reads while an increment is missing = %d, want 1", got)
	}
}

// An answer without a body, or cut, does not say who gave it. The user knows
// whom it was asked of.
func TestTheStoryNamesTheNodeThatWasAsked(t *testing.T) {
	h := tale(t, `
		alice 0-1 /counter : 200 tomcat1 S1*
		alice 2-3 /counter : 200! - html cookie=S2
	`)
	h.Requests[1].Node, h.Requests[1].On = "", "tomcat2"
	r := Check(h, Options{})
	if len(r.Anomalies) != 1 || !strings.Contains(r.Anomalies[0].Explanation, "and tomcat2 gave a new one") {
		t.Errorf("anomalies %+v, want a session lost to tomcat2", r.Anomalies)
	}
}
