package script

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// parseErrors are files that do not parse. The place is that of the only error.
var parseErrors = []struct {
	name   string
	source string
	pos    string // line:column
	msg    string
	hint   string
}{
	// the file as a whole
	{"empty", "", "1:1", "nothing is written here", ""},
	{"blank", " \n\n", "1:1", "nothing is written here", ""},
	{"binary", "nodes 2\x00", "1:1", "this is not text: it has NUL bytes", "save it as UTF-8"},
	{"not UTF-8", "nodes \xff", "1:1", "this is not UTF-8 text", "save it as UTF-8"},
	{"no-break space", "nodes\u00a02\nend 1s\n", "1:6", "invisible character U+00A0", "text from web pages has them: type a blank"},
	{"lone CR", "nodes 2\rend 1s\nend 2s\n", "1:8", "invisible character U+000D", ""},
	{"no end", "nodes 2\n\n", "1:8", "the end line is missing", "such as: end 20s"},
	{"no nodes", "end 2s\n", "1:1", "the scenario has no nodes", "such as: nodes 2"},
	{"two ends", "nodes 2\nend 2s\nend 3s\n", "3:1", "end is given twice", "the first is on line 2"},
	{"act after end", "nodes 2\nend 2s\nkill tomcat1\n", "3:1", `"kill" after the end`, "after the end stand expectations only"},
	{"noun after end", "nodes 2\nend 2s\nproxy\n", "3:1", "proxy after the end", "after the end stand expectations only"},
	{"noun after script", "nodes 2\nheal\nproxy\nend 2s\n", "3:1", "nouns come before the script", "put it before line 2"},
	{"end at once", "nodes 2\nend 0s\n", "2:5", "a scenario that ends after 0s does nothing", ""},
	{"end without unit", "nodes 2\nend 20\n", "2:5", `"20" has no unit`, "write 20s or 20ms"},
	{"end and more", "nodes 2\nend 20s now\n", "2:9", `unexpected "now" after the end`, ""},
	{"at after the end", "nodes 2\nat 3s heal\nend 2s\n", "2:1", "3s is not before the end, 2s", ""},
	{"bad marker", "nodes 2\n--nginx.conf--\nend 2s\n", "2:1", "this is no line of a scenario", "an attachment begins with -- nginx.conf --"},
	{"unknown attachment", "nodes 2\nend 2s\n-- tomcat1/server.xml --\n<Server/>\n", "3:4", `nothing reads the attachment "tomcat1/server.xml"`, "known: nginx.conf"},
	{"attached twice", "nodes 2\nend 2s\n-- nginx.conf --\nhttp {\n}\n-- nginx.conf --\nhttp {}\n", "6:4", "nginx.conf is attached twice", ""},
	{"empty attachment", "nodes 2\nend 2s\n-- nginx.conf --\n", "3:4", "the attachment nginx.conf is empty", ""},
	{"proxy twice", "nodes 2\nproxy\nend 2s\n-- nginx.conf --\nhttp {}\n", "2:1", "the attached nginx.conf declares the proxy too", "keep one of the two"},

	// nouns
	{"too many nodes", "nodes 100000\nend 2s\n", "1:7", "100000 nodes: 1 to 1000 are possible", "each of them has tasks and connections of its own"},
	{"no such number", "nodes 2x\nend 2s\n", "1:7", `"2x" is no whole number`, "nodes 3, or nodes and their names"},
	{"no node", "nodes 0\nend 2s\n", "1:7", "0 nodes: 1 to 1000 are possible", "each of them has tasks and connections of its own"},
	{"too many users", "nodes 2\nusers 10001\nend 2s\n", "2:7", "10001 users: 1 to 10000 are possible", "each of them is a task with connections of its own"},
	{"node twice", "nodes a b a\nend 2s\n", "1:11", `node "a" is declared twice`, ""},
	{"reserved name", "nodes a proxy\nend 2s\n", "1:9", `"proxy" is a word of the language and no name for a node`, ""},
	{"bad name", "nodes a b.c\nend 2s\n", "1:9", `"b.c" is no name for a node`, "names begin with a letter and have letters, digits, underscores and hyphens"},
	{"user is a node", "nodes a b\nuser a\nend 2s\n", "2:1", `"a" is a node too`, ""},
	{"user of the crowd", "nodes 2\nusers 3\nuser user3\nend 2s\n", "3:1", `"user3" is one of the users of line 2 too`, "use another name"},
	{"noun twice", "nodes 2\nmanager DeltaManager\nmanager StandardManager\nend 2s\n", "3:1", "manager is declared twice", "the first is on line 2"},
	{"valve twice", "nodes 2\nvalve ReplicationValve\nvalve ReplicationValve\nend 2s\n", "3:1", "valve ReplicationValve is declared twice", "the first is on line 2"},
	{"misspelt noun", "nodes 2\nmanger DeltaManager\nend 2s\n", "2:1", `unknown word "manger"`, `did you mean "manager"?`},
	{"misspelt class", "nodes 2\nmanager DeltaManger\nend 2s\n", "2:9", `unknown manager "DeltaManger"`, `did you mean "DeltaManager"?`},
	{"class with package", "nodes 2\nmanager org.apache.catalina.ha.session.DeltaManager\nend 2s\n", "2:9", `unknown manager "org.apache.catalina.ha.session.DeltaManager"`, "write DeltaManager, without the package"},
	{"class of a later release", "nodes 2\nmanager BackupManager\nend 2s\n", "2:9", `manager "BackupManager" is not in this release`, "in this release: StandardManager, DeltaManager"},
	{"no class", "nodes 2\nmanager maxActiveSessions=3\nend 2s\n", "2:9", "the class of the manager is missing", "known: StandardManager, DeltaManager"},
	{"address of no machine", "nodes 2\nnode tomcat1 addr=0.0.0.0\nend 2s\n", "2:14", "0.0.0.0 is no address of a machine", "such as 10.0.0.77"},
	{"user in a group", "nodes 2\nuser alice from 228.0.0.4\nend 2s\n", "2:1", "228.0.0.4 is no address of a machine", "such as 10.0.0.77"},
	{"no group", "nodes 2\nmembership address=10.0.0.1\nend 2s\n", "2:12", "10.0.0.1 is no multicast group: Tomcat's channel does not start", "such as 228.0.0.4"},
	{"no name of a cookie", "nodes 2\napp sessionCookieName=\"my id\"\nend 2s\n", "2:5", "sessionCookieName: a cookie cannot have the character ' ' there", "letters, digits, _ and - are safe"},
	{"no end of a cookie", "nodes 2\nnode tomcat1 jvmRoute=\"a;b\"\nend 2s\n", "2:14", "jvmRoute: a cookie cannot have the character ';' there", "letters, digits, _ and - are safe"},
	{"long route", "nodes 2\nserver tomcat1 route=r23456789012345678901234567890123\nend 2s\n", "2:16", "route: nginx takes 32 characters at most", ""},
	{"half a variable", "nodes 2\nproxy hash $cookie_\nend 2s\n", "2:12", "unknown variable $cookie_", "write the name of a header, cookie or argument behind it, such as $cookie_JSESSIONID"},
	{"never in time", "nodes 2\nevery 2s until 1s heal\nend 3s\n", "2:16", "it is over before it begins", "until is counted from the start of the run"},
	{"never in time after at", "nodes 2\nat 1s every 2s until 2s heal\nend 3s\n", "2:22", "it is over before it begins", "until is counted from the start of the run"},
	{"nodes with a comma", "nodes 2\nkill tomcat1,tomcat2\nend 2s\n", "2:6", `unknown node "tomcat1,tomcat2"`, "names are separated by blanks: tomcat1 tomcat2"},
	{"semicolon without a blank", "nodes 2\ntogether kill tomcat1;kill tomcat2\nend 2s\n", "2:15", `unknown node "tomcat1;kill"`, "a blank stands behind the semicolon: tomcat1; kill"},
	{"semicolon at the end", "nodes 2\nkill tomcat1;\nend 2s\n", "2:6", `unknown node "tomcat1;"`, "a line has no semicolon at its end"},
	{"verb in the background", "nodes 2\nmeanwhile kill tomcat1\nend 2s\n", "2:11", "kill cannot stand behind meanwhile", "meanwhile is for a user's request; all else waits for nobody anyway"},
	{"no label at all", "nodes 2\nuser bob\nwait for bob.x\nend 2s\n", "3:10", `no request of bob before this line is labelled "x"`, "label one: meanwhile bob GET /counter as x"},
	{"half a request", "nodes 2\nexpect requests.ok == 1.5\nend 2s\n", "2:23", `"1.5" is no whole number`, "a number has digits only; a time has a unit, such as 1.5s"},
	{"too many requests", "nodes 2\nexpect requests.ok == 99999999999999\nend 2s\n", "2:23", "99999999999999 is too large a number: at most 1000000000000", ""},
	{"misspelt option", "nodes 2\nproxy round_robin stiky=route\nend 2s\n", "2:19", `unknown option "stiky" of proxy round_robin`, `did you mean "sticky"?`},
	{"option of another class", "nodes 2\nmanager StandardManager recordAllActions=yes\nend 2s\n", "2:25", `unknown option "recordAllActions" of manager StandardManager`, "recordAllActions is an option of manager DeltaManager"},
	{"option of a later release", "nodes a b\nserver a slow_start=5s\nend 2s\n", "2:10", `option "slow_start" of server is not in this release`, ""},
	{"option twice", "nodes 2\nproxy max_fails=1 max_fails=2\nend 2s\n", "2:19", `option "max_fails" is given twice`, ""},
	{"blanks around equals", "nodes 2\nproxy sticky=route max_fails = 1\nend 2s\n", "2:20", `option "max_fails" has no value`, "write max_fails=VALUE, without blanks"},
	{"empty value", "nodes 2\nproxy max_fails=\nend 2s\n", "2:17", `option "max_fails" has no value`, `an empty value is written ""`},
	{"no unit, nginx", "nodes 2\nproxy fail_timeout=10\nend 2s\n", "2:20", `fail_timeout: "10" has no unit`, "fail_timeout is counted in seconds there: write 10s"},
	{"no unit, Tomcat", "nodes 2\nmembership McastService dropTime=3000\nend 2s\n", "2:34", `dropTime: "3000" has no unit`, "dropTime is counted in milliseconds there: write 3000ms"},
	{"unknown unit", "nodes 2\nproxy fail_timeout=10sec\nend 2s\n", "2:20", `fail_timeout: "sec" is no unit of time: us, ms, s, m or h`, ""},
	{"part of a second", "nodes 2\nproxy fail_timeout=500ms\nend 2s\n", "2:20", "fail_timeout: 500ms is not a number of whole seconds", ""},
	{"negative time", "nodes 2\nproxy fail_timeout=-1s\nend 2s\n", "2:20", `fail_timeout: "-1s" is negative`, ""},
	{"never is -1", "nodes 2\nmanager DeltaManager maxInactiveInterval=-1s\nend 2s\n", "2:42", `maxInactiveInterval: "-1s" is negative`, "-1 means no limit"},
	{"timeout of nothing", "nodes 2\nproxy proxy_read_timeout=0s\nend 2s\n", "2:26", "proxy_read_timeout: 0s is too short: at least 1ms", ""},
	{"weight 0", "nodes a b\nserver a weight=0\nend 2s\n", "2:17", "weight: 0 is out of range: 1 to 65535", ""},
	{"number too small", "nodes 2\nnode tomcat1 maxThreads=0\nend 2s\n", "2:25", "maxThreads: 0 is too small: at least 1", ""},
	{"neither yes nor no", "nodes 2\napp distributable=maybe\nend 2s\n", "2:19", `distributable: "maybe" is neither yes nor no`, "yes or no"},
	{"unknown word", "nodes 2\nusers 5 journey=shopping\nend 2s\n", "2:17", `journey: unknown word "shopping"`, "known: browse, counter, shop"},
	{"misspelt word of a list", "nodes 2\nproxy proxy_next_upstream=\"error time_out\"\nend 2s\n", "2:27", `proxy_next_upstream: unknown word "time_out"`, `did you mean "timeout"?`},
	{"off and more", "nodes 2\nproxy proxy_next_upstream=\"off error\"\nend 2s\n", "2:27", `proxy_next_upstream: "off" stands alone`, ""},
	{"size with another unit", "nodes 2\ninterceptor MessageDispatchInterceptor maxQueueSize=100GiB\nend 2s\n", "2:53", `maxQueueSize: "100GiB" is no size: such as 512B, 64KiB or 1024MiB`, ""},
	{"size without unit", "nodes 2\ninterceptor MessageDispatchInterceptor maxQueueSize=64\nend 2s\n", "2:53", "maxQueueSize: a size needs a unit: 64B, 64KiB or 64MiB", ""},
	{"ring too large", "nodes 2\nproxy hash $uri consistent\nserver tomcat1 weight=9999\nserver tomcat2 weight=2\nend 2s\n", "4:16", "the weights of all servers of a consistent hash are 10001 together: at most 10000", "each unit of weight is 160 points of the ring"},
	{"id too long", "nodes 2\nmanager DeltaManager sessionIdLength=1025\nend 2s\n", "2:38", "sessionIdLength: 1025 is too large: at most 1024", "an id must fit into the head of a request, which has 8 KiB"},
	{"every too often", "nodes 2\nevery 999ns heal\nend 5s\n", "2:7", "every 999ns is too often: at least 1us", "each time costs the lab something"},
	{"queue too large", "nodes 2\ninterceptor MessageDispatchInterceptor maxQueueSize=1025MiB\nend 2s\n", "2:53", "maxQueueSize: 1025MiB is too large: at most 1024MiB", "the lab keeps in memory what waits"},
	{"receiver without a buffer", "nodes 2\nreceiver rxBufSize=0B\nend 2s\n", "2:20", "rxBufSize: 0B is less than 1B", ""},
	{"option in vain", "nodes 2\nreceiver txBufSize=1\nend 2s\n", "2:10", `option "txBufSize" of receiver NioReceiver can change nothing here: the lab's connections have no socket options`, ""},
	{"expression", "nodes 2\nmanager StandardManager sessionAttributeNameFilter=(?=x)\nend 2s\n", "2:25", "sessionAttributeNameFilter: error parsing regexp: invalid or unsupported Perl syntax: `(?=`", "Java's look-around and back references are not known here"},
	{"receiver threads", "nodes 2\nreceiver maxThreads=20 minThreads=21\nend 2s\n", "2:24", "minThreads is more than maxThreads", ""},
	{"receiver threads by default", "nodes 2\nreceiver maxThreads=3\nend 2s\n", "2:10", "minThreads is 6 unless it is set, which is more than maxThreads: Tomcat's channel does not start", "set minThreads too"},
	{"send option", "nodes 2\ncluster channelSendOptions=32\nend 2s\n", "2:28", "channelSendOptions: send options 32 are not in this release", "known: 2, 4, 6, 8, 10, 14, or names such as async or sync,use_ack"},
	{"send option name", "nodes 2\ncluster channelSendOptions=synch\nend 2s\n", "2:28", `channelSendOptions: unknown send option "synch"`, "known: 2, 4, 6, 8, 10, 14, or names such as async or sync,use_ack"},
	{"address", "nodes 2\nnode tomcat1 addr=172.16.12\nend 2s\n", "2:19", `addr: "172.16.12" is no IPv4 address`, ""},
	{"address twice", "nodes 2\nnode tomcat1 addr=10.0.0.1\nnode tomcat2 addr=10.0.0.1\nend 2s\n", "3:14", "tomcat1 has this address too", ""},
	{"block", "nodes 2\nusers 5 from=10.0.1.7/24\nend 2s\n", "2:14", `from: "10.0.1.7/24" does not begin at the start of its block`, "write 10.0.1.0/24"},
	{"address of two users", "nodes 2\nuser a from 10.0.1.7\nuser b from 10.0.1.7\nend 2s\n", "3:1", "a has this address too", ""},
	{"address of a user", "nodes 2\nuser alice from 2001:db8::z\nend 2s\n", "2:17", `"2001:db8::z" is no IP address`, ""},
	{"address with a zone", "nodes 2\nuser alice from fe80::1%eth0\nend 2s\n", "2:17", `"fe80::1%eth0" is no IP address`, ""},
	{"address of two kinds", "nodes 2\nuser alice from ::ffff:10.0.0.1\nend 2s\n", "2:17", `"::ffff:10.0.0.1" is no IP address`, ""},
	{"nobody's address", "nodes 2\nuser alice from ff02::1\nend 2s\n", "2:1", "ff02::1 is no address of a machine", "such as 10.0.0.77"},
	{"two users at one", "nodes 2\nuser alice from 2001:DB8::7\nuser bob from 2001:db8:0::7\nend 2s\n", "3:1", "alice has this address too", ""},
	{"block of IPv6", "nodes 2\nusers 5 from=2001:db8::7/64\nend 2s\n", "2:14", `from: "2001:db8::7/64" does not begin at the start of its block`, "write 2001:db8::/64"},
	{"small block of IPv6", "nodes 2\nusers 16 from=2001:db8::/124\nend 2s\n", "2:10", "2001:db8::/124 has no room for 16 users", ""},
	{"small block", "nodes 2\nusers 16 from=10.0.1.0/28\nend 2s\n", "2:10", "10.0.1.0/28 has no room for 16 users", ""},
	{"version", "nodes 2\ntomcat 6\nend 2s\n", "2:8", "tomcat 6 is not in this release", "known: 7.0, 8.5, 9.0, 10.1, each with any patch number"},
	{"no version", "nodes 2\nnginx latest\nend 2s\n", "2:7", `"latest" is no version of nginx`, "known: 1.22 to 1.31, each with any patch number"},
	{"world", "nodes 2\nworlds simulation\nend 2s\n", "2:8", `unknown world "simulation"`, "known: sim, loopback"},
	{"unknown method", "nodes 2\nproxy round-robin\nend 2s\n", "2:7", `unknown proxy "round-robin"`, `did you mean "round_robin"?`},
	{"hash without key", "nodes 2\nproxy hash max_fails=1\nend 2s\n", "2:12", "the key of hash is missing", "proxy hash $remote_addr consistent"},
	{"hash by nothing known", "nodes 2\nproxy hash $cookies_ID\nend 2s\n", "2:12", "unknown variable $cookies_ID", `did you mean "$cookie_"?`},
	{"server of no node", "nodes a b\nserver c\nend 2s\n", "2:8", `unknown node "c"`, "nodes: a, b"},
	{"word of server", "nodes a b\nserver a backups\nend 2s\n", "2:10", `unknown word "backups" of server`, `did you mean "backup"?`},
	{"down and drain", "nodes a b\nserver a down drain\nend 2s\n", "2:15", "a server cannot be both down and draining", ""},
	{"backup with ip_hash", "nodes a b\nproxy ip_hash\nserver a backup\nend 2s\n", "3:1", "nginx knows no backup with ip_hash", ""},
	{"backups only", "nodes a\nserver a backup\nend 2s\n", "2:1", "every server is a backup: nginx finds no servers in the upstream", ""},
	{"cookie without sticky", "nodes 2\nproxy cookie=route\nend 2s\n", "2:7", "a cookie means nothing without sticky", "sticky=route or sticky=cookie"},
	{"timeout twice", "nodes 2\nmanager DeltaManager maxInactiveInterval=60s\napp sessionTimeout=1m\nend 2s\n", "3:5", "maxInactiveInterval of line 2 says the same", "keep one of the two"},
	{"threads", "nodes 2\ninterceptor MessageDispatchInterceptor maxSpareThreads=7 maxThreads=3\nend 2s\n", "2:40", "maxSpareThreads is more than maxThreads", ""},
	{"open quote", "nodes 2\nproxy error_page=\"502 /x\nend 2s\n", "2:18", "the quote is never closed", ""},
	{"quote in a word", "nodes 2\nproxy error_page=a\"b\"\nend 2s\n", "2:18", `cannot read the value of "error_page"`, "put values with blanks or quotes in quotes"},

	// acts
	{"unknown word", "nodes 2\nkil tomcat1\nend 2s\n", "2:1", `unknown word "kil"`, `did you mean "kill"?`},
	{"unknown node", "nodes 2\nkill tomact1\nend 2s\n", "2:6", `unknown node "tomact1"`, `did you mean "tomcat1"?`},
	{"no node", "nodes 2\nkill\nend 2s\n", "2:5", "a node is missing after kill", ""},
	{"node given twice", "nodes 2\nkill tomcat1 tomcat1\nend 2s\n", "2:14", `"tomcat1" is given twice`, ""},
	{"kill the proxy", "nodes a b\nkill proxy\nend 2s\n", "2:6", `unknown node "proxy"`, "nodes: a, b"},
	{"unknown user", "nodes 2\nuser alice\nalcie GET /\nend 2s\n", "3:1", `unknown user "alcie"`, `did you mean "alice"?`},
	{"one of the crowd", "nodes 2\nusers 3\nuser2 GET /\nend 2s\n", "3:1", "user2 goes a way of its own", "declare one who does what the script says: user alice"},
	{"nobody", "nodes 2\nGET /\nend 2s\n", "2:1", `unknown word "GET"`, "say who: alice GET /"},
	{"method", "nodes 2\nuser a\na get /\nend 2s\n", "3:3", `unknown method "get"`, `did you mean "GET"?`},
	{"no path", "nodes 2\nuser a\na GET counter\nend 2s\n", "3:7", `"counter" is no path: it does not begin with /`, "such as /counter"},
	{"path", "nodes 2\nuser a\na GET /a\"b\nend 2s\n", "3:9", "a path cannot have this character", "write it as %XX"},
	{"path and per cent", "nodes 2\nuser a\na GET /a%2\nend 2s\n", "3:9", "% is not followed by two hexadecimal digits", "a per cent sign itself is %25"},
	{"order of a step", "nodes a b\nuser u\nu GET / 3 times on b\nend 2s\n", "3:17", `unexpected "on"`, "order: USER METHOD TARGET on NODE 3 times as LABEL timeout=2s"},
	{"count of what", "nodes 2\nuser u\nu GET / 3\nend 2s\n", "3:9", "3 of what?", "write 3 times"},
	{"no times", "nodes 2\nuser u\nu GET / 0 times\nend 2s\n", "3:9", "0 times is out of range: 1 to 1000000", "every one of them is kept in memory"},
	{"option of a step", "nodes 2\nuser u\nu GET / timeot=1s\nend 2s\n", "3:9", `unknown option "timeot" of step`, `did you mean "timeout"?`},
	{"label twice", "nodes 2\nuser u\nu GET / as x\nu GET / as x\nend 2s\n", "4:12", `label "x" is used twice by u`, ""},
	{"no such label", "nodes 2\nuser u\nu GET / as first\nwait for u.frist\nend 2s\n", "4:10", `no request of u before this line is labelled "frist"`, `did you mean "u.first"?`},
	{"wait without unit", "nodes 2\nwait 2\nend 2s\n", "2:6", `"2" has no unit`, "write 2s or 2ms"},
	{"wait for what", "nodes 2\nwait tomcat1\nend 2s\n", "2:6", `"tomcat1" is no time`, "wait 2s, wait for USER, or wait until EVENT"},
	{"triggered wait", "nodes 2\nat 1s wait 2s\nend 5s\n", "2:7", "wait cannot be triggered", "write after TIME, or when EVENT, before what is to happen"},
	{"trigger alone", "nodes 2\nat 1s\nend 5s\n", "2:6", "nothing to do after at", "such as: at 2s kill tomcat1"},
	{"at in a chain", "nodes 2\nafter 1s at 2s heal\nend 5s\n", "2:10", "at counts from the start and must come first", "after counts from the trigger before it"},
	{"every 0s", "nodes 2\nevery 0s heal\nend 5s\n", "2:7", "every 0s is too often: at least 1us", "each time costs the lab something"},
	{"until before", "nodes 2\nat 3s every 1s until 2s heal\nend 5s\n", "2:22", "it is over before it begins", "until is counted from the start of the run"},
	{"event of a node", "nodes 2\nwhen tomcat1 is answered heal\nend 5s\n", "2:14", `"is answered" cannot be said of "tomcat1"`, "known: sends, receives, loses, is up, is down, is idle, sees, misses"},
	{"event of a user", "nodes 2\nuser u\nwhen u is up heal\nend 5s\n", "3:8", `"is up" cannot be said of "u"`, "known: sends, receives, loses, is answered"},
	{"event of nobody", "nodes a b\nwhen c is up heal\nend 5s\n", "2:6", `unknown "c": a node, a user, proxy or quiet`, "nodes: a, b"},
	{"sends from", "nodes a b\nwhen a sends DELTA from b heal\nend 5s\n", "2:20", "sends goes with to, not with from", "a sends DELTA to NODE"},
	{"kind", "nodes 2\ndrop DELTAS\nend 5s\n", "2:6", `unknown kind of message "DELTAS"`, `did you mean "DELTA"?`},
	{"request twice", "nodes 2\nduplicate REQUEST\nend 5s\n", "2:11", "REQUEST cannot be duplicated", "a connection delivers an HTTP message once; a proxy sends a request again where proxy_next_upstream says non_idempotent"},
	{"answer twice", "nodes 2\nduplicate RESPONSE 10%\nend 5s\n", "2:11", "RESPONSE cannot be duplicated", "a connection delivers an HTTP message once; a proxy sends a request again where proxy_next_upstream says non_idempotent"},
	{"more than all", "nodes 2\ndrop DELTA 101%\nend 5s\n", "2:12", "101% is more than 100%", ""},
	{"none", "nodes 2\ndrop DELTA 0%\nend 5s\n", "2:12", "a rule for 0% of the messages does nothing", "leave the line out"},
	{"to itself", "nodes a b\ndrop DELTA from a to a\nend 5s\n", "2:22", "a sends itself no messages", ""},
	{"delay without by", "nodes 2\ndelay DELTA 200ms\nend 5s\n", "2:13", "by TIME is missing", "delay DELTA by 200ms"},
	{"release and count", "nodes 2\nrelease DELTA 3 times\nend 5s\n", "2:15", `unexpected "3" after release`, ""},
	{"status", "nodes 2\nanswer tomcat1 900\nend 5s\n", "2:16", "900 is no status of an answer", "200 to 599"},
	{"how to answer", "nodes 2\nanswer tomcat1 fine\nend 5s\n", "2:16", `"fine" is no way to answer`, "a status, or close, reset, hang, partial, invalid_header, http09 or ok"},
	{"cookie of no status", "nodes 2\nanswer tomcat1 close set_cookie=SID=s1\nend 5s\n", "2:22", "set_cookie stands beside a status", `such as answer tomcat1 200 set_cookie="SID=s1"`},
	{"cookie that is none", "nodes 2\nanswer tomcat1 200 set_cookie=SID\nend 5s\n", "2:20", `"SID" sets no cookie`, `such as set_cookie="SID=s1; Path=/"`},
	{"other option of an answer", "nodes 2\nanswer tomcat1 200 1 time body=x\nend 5s\n", "2:27", `unknown option "body" of answer`, "known here: set_cookie"},
	{"ok once", "nodes 2\nanswer tomcat1 ok 3 times\nend 5s\n", "2:19", "ok ends the answers and is not counted", ""},
	{"unknown transport", "nodes 2\npartition tomcat1 | tomcat2 over ip\nend 5s\n", "2:34", `"ip" is no transport`, "over tcp: connections; over udp: datagrams, which are the heartbeats of McastService"},
	{"one side", "nodes 2\npartition tomcat1 tomcat2\nend 5s\n", "2:11", "a partition has two sides", "partition tomcat1 | tomcat2 tomcat3"},
	{"both sides", "nodes a b\npartition a | b a\nend 5s\n", "2:17", `"a" is on both sides`, ""},
	{"together alone", "nodes 2\ntogether heal\nend 5s\n", "2:10", "together has one act only", "separate them by a semicolon and a blank"},
	{"wait within together", "nodes 2\ntogether heal; wait 2s\nend 5s\n", "2:16", "wait cannot stand within together", ""},
	{"empty act", "nodes 2\ntogether heal;\nend 5s\n", "2:15", "nothing stands between the semicolons", "together remember n = sessions.on(tomcat1); kill tomcat1"},

	// expressions
	{"figure", "nodes 2\nend 5s\nexpect session.lost == 0\n", "3:8", `unknown figure "session.lost"`, `did you mean "sessions.lost"?`},
	{"figure of a family", "nodes 2\nend 5s\nexpect recovery > 1s and latency.average < 1s\n", "3:26", `unknown figure "latency.average"`, "known: latency.p50, latency.p90, latency.p99, latency.max"},
	{"user of a figure", "nodes 2\nuser alice\nend 5s\nexpect alcie.failed == 0\n", "4:8", `unknown user "alcie"`, `did you mean "alice"?`},
	{"figure of a user", "nodes 2\nuser alice\nend 5s\nexpect alice.node == \"a\"\n", "4:8", `unknown figure "alice.node"`, `did you mean "alice.nodes"?`},
	{"one node is near", "nodes tomcat1 spare\nkill tomcat3\nend 5s\n", "2:6", `unknown node "tomcat3"`, `did you mean "tomcat1"?`},
	{"several are", "nodes 2\nkill tomcat3\nend 5s\n", "2:6", `unknown node "tomcat3"`, "nodes: tomcat1, tomcat2"},
	{"node of a figure", "nodes 2\nend 5s\nexpect sessions.on(tomcat3) == 0\n", "3:20", `unknown node "tomcat3"`, "nodes: tomcat1, tomcat2"},
	{"argument missing", "nodes 2\nend 5s\nexpect sessions.on == 0\n", "3:19", "sessions.on needs to know of which", "sessions.on(NODE)"},
	{"argument too many", "nodes 2\nend 5s\nexpect sessions.lost(tomcat1) == 0\n", "3:21", "sessions.lost has nothing in parentheses", ""},
	{"no status", "nodes 2\nend 5s\nexpect requests.by_status(bad) == 0\n", "3:27", `"bad" is no HTTP status`, "such as 502"},
	{"label behind options", "nodes 2\nuser alice\nalice GET / think=1s as a\nend 5s\n", "3:22", `unexpected "as": options come last`, stepOrder},
	{"node behind options", "nodes 2\nuser alice\nalice GET / think=1s on tomcat1\nend 5s\n", "3:22", `unexpected "on": options come last`, stepOrder},
	{"times behind options", "nodes 2\nuser alice\nalice GET / think=1s 3 times\nend 5s\n", "3:22", `unexpected "3": options come last`, stepOrder},
	{"copy of no node", "nodes 2\nuser alice\nend 5s\nexpect alice.copy == \"none\"\n", "4:18", "USER.copy needs to know of which", "USER.copy(NODE)"},
	{"copy of another node", "nodes 2\nuser alice\nend 5s\nexpect alice.copy(tomcat3) == \"none\"\n", "4:19", `unknown node "tomcat3"`, "nodes: tomcat1, tomcat2"},
	{"copy without attribute", "nodes 2\nuser alice\nend 5s\nexpect alice.copy(tomcat1). == 3\n", "4:28", "the name of the attribute is missing", "such as alice.copy(tomcat1).cart"},
	{"copy that counts", "nodes 2\nuser alice\nend 5s\nexpect alice.copy(tomcat1) == 3\n", "4:28", "cannot compare alice.copy(tomcat1) with 3: text and a number", `text stands in quotes, such as "tomcat1"`},
	{"header without colon", "nodes 2\nuser alice\nalice GET / header=X-Real-IP\nend 5s\n", "3:20", `header: "X-Real-IP" is no header line: it has no colon`, "such as X-Real-IP: 10.0.0.9"},
	{"header with a blank", "nodes 2\nuser alice\nalice GET / header=\"X Y: 1\"\nend 5s\n", "3:20", `header: "X Y" is no name of a header field`, "letters, digits and hyphens stand before the colon, and no blank"},
	{"header that is a cookie", "nodes 2\nuser alice\nalice GET / header=\"cookie: a=b\"\nend 5s\n", "3:20", "header: cookie cannot be given", `write cookie="NAME=VALUE"`},
	{"header of the lab", "nodes 2\nuser alice\nalice GET / header=\"X-Sessionlab-Write: 1\"\nend 5s\n", "3:20", "header: X-Sessionlab-Write is the lab's own", ""},
	{"header with a letter", "nodes 2\nuser alice\nalice GET / header=\"X: \u00e9\"\nend 5s\n", "3:20", "header: a header cannot have the character 'é'", ""},
	{"cookie of no name", "nodes 2\nuser alice\nend 5s\nexpect alice.last.cookie(a=b) == 1\n", "4:26", `"a=b" is no name of a cookie`, "such as srv_id"},
	{"cookie of nothing", "nodes 2\nuser alice\nend 5s\nexpect alice.last.cookie() == 1\n", "4:26", "USER.last.cookie needs to know of which", "USER.last.cookie(NAME)"},
	{"unknown cookie", "nodes 2\nuser alice\nalice GET / cookie=alcie\nend 5s\n", "3:20", `"alcie" is no cookie`, `did you mean "alice"?`},
	{"cookie of nobody", "nodes 2\nuser alice\nalice GET / think=1s cookie=zzzz\nend 5s\n", "3:29", `"zzzz" is no cookie`, `none, the name of a user or of a remembered session id, or "JSESSIONID=..."`},
	{"cookie that counts", "nodes 2\nuser alice\nremember n = alice.ok\nalice GET / cookie=n\nend 5s\n", "4:20", `"n" is a number and no session id`, "remember NAME = USER.last.session"},
	{"cookie remembered later", "nodes 2\nuser alice\nalice GET / cookie=old\nremember old = alice.last.session\nend 5s\n", "3:20", `"old" is no cookie`, `none, the name of a user or of a remembered session id, or "JSESSIONID=..."`},
	{"user none", "nodes 2\nuser none\nend 5s\n", "2:6", `"none" is a word of the language and no name for a user`, ""},
	{"count and time", "nodes 2\nend 5s\nexpect requests.failed < 500ms\n", "3:24", "cannot compare requests.failed with 500ms: a number and a duration", "requests.failed counts: compare it with a number, such as 0"},
	{"time without unit", "nodes 2\nend 5s\nexpect recovery < 500\n", "3:17", "cannot compare recovery with 500: a duration and a number", "a duration has a unit, such as 500ms"},
	{"percentage without sign", "nodes 2\nend 5s\nexpect availability > 99\n", "3:21", "cannot compare availability with 99: a percentage and a number", "a percentage is written with its sign, such as 99%"},
	{"text and number", "nodes 2\nuser u\nend 5s\nexpect u.nodes == 3\n", "4:16", "cannot compare u.nodes with 3: text and a number", `text stands in quotes, such as "tomcat1"`},
	{"order of text", "nodes 2\nuser u\nend 5s\nexpect u.nodes < \"a\"\n", "4:16", "< compares numbers, not text", "== or !="},
	{"unlike terms", "nodes 2\nend 5s\nexpect recovery + 3 < 5s\n", "3:19", "cannot add 3 here: a duration and a number", ""},
	{"text minus text", "nodes 2\nuser u\nend 5s\nexpect u.nodes - u.nodes == \"\"\n", "4:18", "cannot subtract u.nodes here: text and text", ""},
	{"one equals sign", "nodes 2\nend 5s\nexpect sessions.lost = 0\n", "3:22", "= does not compare", `did you mean "=="?`},
	{"no comparison", "nodes 2\nend 5s\nexpect sessions.lost\n", "3:21", "a comparison is missing", "one of == != < <= > >="},
	{"no value", "nodes 2\nend 5s\nexpect sessions.lost ==\n", "3:24", "a value is missing", ""},
	{"or", "nodes 2\nend 5s\nexpect sessions.lost == 0 or sessions.lost == 1\n", "3:27", `unexpected "or" after the condition`, "write one expect line for each case"},
	{"nothing measured", "nodes 2\nend 5s\nexpect 1 == 1\n", "3:8", "nothing is measured here: 1 == 1", ""},
	{"final figure in the middle", "nodes 2\nexpect requests.failed == 0 and sessions.lost == 0\nend 5s\n", "2:33", "sessions.lost is known only at the end", "put the expectation after the end line"},
	{"never remembered", "nodes 2\nend 5s\nexpect moved > 0\n", "3:8", `unknown figure "moved"`, ""},
	{"remembered twice", "nodes 2\nremember n = requests.total\nremember n = requests.ok\nend 5s\n", "3:10", `"n" is remembered twice`, "use another name"},
	{"unknown label", "nodes 2\nend 5s\nexpect [sync] sessions.lost == 0\n", "3:9", `unknown label "sync": the scenario has no vary or sweep`, "labels are those of vary and sweep"},
	{"no attribute", "nodes 2\nuser u\nend 5s\nexpect u.last. == 3\n", "4:8", "the name of the attribute is missing", "such as u.last.cart"},

	// variables
	{"step 0", "nodes 2\nsweep gap = 0s..1s step 0s\nwait $gap\nend 5s\n", "2:25", "a sweep with step 0s never ends", ""},
	{"too many steps", "nodes 2\nsweep gap = 0s..1s step 1ms\nwait $gap\nend 5s\n", "2:13", "1001 values: at most 200 are possible", ""},
	{"too many cells", "nodes 2\nsweep a = 1..20 step 1\nsweep b = 1..11 step 1\nuser u\nu GET / $a times\nu GET / $b times\nend 5s\n", "3:1", "220 cells: at most 200 are possible", "take fewer values, or larger steps"},
	{"backwards", "nodes 2\nsweep gap = 2s..1s step 1s\nwait $gap\nend 5s\n", "2:13", "the range runs backwards", ""},
	{"mixed range", "nodes 2\nsweep gap = 0..1s step 1s\nwait $gap\nend 5s\n", "2:16", "1s is a duration, but 0 is a number", ""},
	{"no step", "nodes 2\nsweep gap = 0s..1s\nwait $gap\nend 5s\n", "2:19", "the step is missing", "sweep gap = 0s..12s step 4s"},
	{"unused", "nodes 2\nsweep gap = 0s..1s step 1s\nend 5s\n", "2:1", "nothing uses $gap", "write $gap where its value is meant"},
	{"unknown variable", "nodes 2\nsweep gap = 0s..1s step 1s\nwait $gap\nwait $gpa\nend 5s\n", "4:6", "unknown $gpa", `did you mean "$gap"?`},
	{"unknown variable of a proxy", "nodes 2\nproxy max_fails=$n\nend 5s\n", "2:17", "unknown $n", ""},
	{"declared twice", "nodes 2\nsweep n = 1..2 step 1\nsweep n = 1..2 step 1\nuser u\nu GET / $n times\nend 5s\n", "3:1", "$n is declared twice", "the first is on line 2"},
	{"one value", "nodes 2\nvary m: a = proxy\nend 5s\n", "2:18", "m has one value only", "separate them by |"},
	{"value twice", "nodes 2\nvary m: a = proxy | a = proxy\nend 5s\n", "2:21", `value "a" of m is given twice`, ""},
	{"no colon", "nodes 2\nvary m = a | b\nend 5s\n", "2:8", "a colon is missing after the name", "vary mode: async = cluster channelSendOptions=8 | sync = cluster channelSendOptions=6"},
	{"act in a cell", "nodes 2\nvary m: a = proxy | b = kill tomcat1\nend 5s\n", "2:25", `unknown noun "kill"`, "a cell has nouns only"},
	{"option in a cell", "nodes 2\nvary m: a = proxy | b = proxy ip_hash stiky=route\nend 5s\n", "2:39", `unknown option "stiky" of proxy ip_hash`, `did you mean "sticky"?`},
	{"both set it", "nodes 2\nvary m: a = proxy | b = proxy ip_hash\nvary n: c = proxy | d = proxy random\nend 5s\n", "3:13", "m and n both set proxy", ""},
	{"wrong in one cell", "nodes a b\nvary m: one = proxy | two = proxy ip_hash\nserver a backup\nend 5s\n", "3:1", "nginx knows no backup with ip_hash (where m=two)", ""},
	{"unknown in one cell", "vary m: one = nodes a b | two = nodes a\nkill b\nend 5s\n", "2:6", `unknown node "b" (where m=two)`, "nodes: a"},
	{"wrong value in one cell", "nodes 2\nsweep at_ = 1s..9s step 4s\nat $at_ heal\nend 5s\n", "3:1", "5s is not before the end, 5s (where at_=5s)", ""},
	{"wrong label", "nodes 2\nvary m: async = cluster channelSendOptions=8 | sync = cluster channelSendOptions=6\nend 5s\nexpect [asnyc] sessions.lost == 0\n", "4:9", `unknown label "asnyc"`, `did you mean "async"?`},
	{"label of two", "nodes 2\nvary m: x = proxy | y = proxy\nvary n: x = app | z = app\nend 5s\nexpect [x] sessions.lost == 0\n", "5:9", `label "x" is one of m and of n`, "write m=x"},
}

// Two that are not in this release may be two different ones.
func TestUnknownInterceptorsAreNotTheSame(t *testing.T) {
	_, err := Parse("f.txt", []byte("nodes 2\ninterceptor TcpPingInterceptor\ninterceptor StaticMembershipInterceptor\nend 2s\n"))
	var errs Errors
	errors.As(err, &errs)
	var got []string
	for _, e := range errs {
		got = append(got, e.Msg)
	}
	want := []string{`interceptor "TcpPingInterceptor" is not in this release`, `interceptor "StaticMembershipInterceptor" is not in this release`}
	if !slices.Equal(got, want) {
		t.Errorf("Parse says %q, want %q", got, want)
	}
}

func TestErrorsSayWhereAndWhatAndGiveAHint(t *testing.T) {
	for _, c := range parseErrors {
		_, err := Parse("f.txt", []byte(c.source))
		var errs Errors
		if !errors.As(err, &errs) {
			t.Errorf("%s: Parse(%q) = %v, want Errors", c.name, c.source, err)
			continue
		}
		e := errs[0]
		if got := fmt.Sprintf("%d:%d", e.Pos.Line, e.Pos.Col); got != c.pos || e.Msg != c.msg || e.Hint != c.hint {
			t.Errorf("%s: Parse(%q)\n got %s: %s (%s)\nwant %s: %s (%s)", c.name, c.source, got, e.Msg, e.Hint, c.pos, c.msg, c.hint)
		}
		if lines := strings.Split(c.source, "\n"); e.Text != "" && !strings.HasPrefix(e.Text, "-- ") && e.Text != lines[e.Pos.Line-1] {
			t.Errorf("%s: the error shows %q, want line %d: %q", c.name, e.Text, e.Pos.Line, lines[e.Pos.Line-1])
		}
	}
}

func TestAnErrorShowsTheLineWithACaret(t *testing.T) {
	_, err := Parse("lab/churn.txt", []byte("nodes\t2\n# größer\n\tproxy\tround_robin stiky=route\nend 2s\n"))
	want := `lab/churn.txt:3:20: unknown option "stiky" of proxy round_robin
    	proxy	round_robin stiky=route
    	     	            ^
    hint: did you mean "sticky"?`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestColumnsCountCharacters(t *testing.T) {
	_, err := Parse("f", []byte("nodes 2\nuser u\nu GET /gr%C3%B6%C3%9Fe on ö\nend 2s\n"))
	var e *Error
	if !errors.As(err, &e) || e.Pos != (Pos{3, 27}) {
		t.Errorf("got %v, want an error at 3:27", err)
	}
	_, err = Parse("f", []byte("title \"größer\" x\nnodes 2\nend 2s\n"))
	if !errors.As(err, &e) || e.Pos != (Pos{1, 16}) {
		t.Errorf("got %v, want an error at 1:16", err)
	}
}

func TestVeryLongLinesAreShownInPart(t *testing.T) {
	_, err := Parse("f", []byte("nodes "+strings.Repeat("a", 3000)+"\nend 2s\n"))
	for line := range strings.Lines(err.Error()) {
		if len(line) > 400 {
			t.Errorf("the error has a line of %d bytes, want a part of it", len(line))
		}
	}
}

func TestAllErrorsOfAFileAreGivenInTheirOrder(t *testing.T) {
	_, err := Parse("f", []byte("proxy stiky=route\nnodes 2 cold=maybe\nkil tomcat1\nend 5\nexpect session.lost == 0\n"))
	var errs Errors
	if !errors.As(err, &errs) {
		t.Fatalf("got %v, want Errors", err)
	}
	var lines []int
	for _, e := range errs {
		lines = append(lines, e.Pos.Line)
	}
	if want := []int{1, 2, 3, 4, 5}; !reflect.DeepEqual(lines, want) {
		t.Errorf("errors on lines %v, want %v:\n%v", lines, want, err)
	}
}

// A noun with a typing mistake is one mistake: the nouns behind it are right.
func TestAMisspeltNounBeginsNoScript(t *testing.T) {
	_, err := Parse("f", []byte("nodes 2\nmanger DeltaManager\nproxy round_robin\nuser bob\nend 5s\n"))
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != 1 || errs[0].Pos.Line != 2 {
		t.Errorf("got %v, want one error, on line 2", err)
	}
	_, err = Parse("f", []byte("nodes 2\nuser bob\nbob GET /\nproxy round_robin\nend 5s\n"))
	if !errors.As(err, &errs) || len(errs) != 1 || errs[0].Pos.Line != 4 {
		t.Errorf("got %v, want one error, on line 4", err)
	}
}

func TestAtMostTenErrorsAreGiven(t *testing.T) {
	_, err := Parse("f", []byte("nodes 2\n"+strings.Repeat("kil tomcat1\n", 20_000)+"end 5s\n"))
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != maxErrors {
		t.Errorf("got %d errors, want %d", len(errs), maxErrors)
	}
}

func TestHugeFilesAreRefused(t *testing.T) {
	_, err := Parse("f", []byte("nodes 2\nend 2s\n"+strings.Repeat("#\n", 1<<20)))
	if err == nil || !strings.Contains(err.Error(), "too many for a scenario") {
		t.Errorf("got %v, want a refusal of its size", err)
	}
	_, err = Parse("f", []byte("nodes 2\nsweep n = 1..200 step 1\nuser u\n"+strings.Repeat("u GET / $n times\n", 20_000)+"end 2s\n"))
	if err == nil || !strings.Contains(err.Error(), "200 cells are too many for a scenario of") {
		t.Errorf("got %v, want a refusal of its cells", err)
	}
	_, err = Parse("f", []byte("nodes 2\n"+strings.Repeat("#", 5000)+"\nend 2s\n"))
	if err == nil || !strings.Contains(err.Error(), "longer than 4096 bytes") {
		t.Errorf("got %v, want a refusal of the line", err)
	}
}

func mustParse(t testing.TB, source string) *Scenario {
	t.Helper()
	s, err := Parse("f", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWindowsFilesReadTheSame(t *testing.T) {
	const source = "nodes 2\nuser u\nu GET /\nend 2s\n-- nginx.conf --\nhttp {\n}\n"
	want := mustParse(t, source)
	got := mustParse(t, "\ufeff"+strings.ReplaceAll(source, "\n", "\r\n"))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOptionsAreTyped(t *testing.T) {
	s := mustParse(t, `nodes a b maxThreads=2 service=5ms
node a service=1ms skew=-2s jvmRoute=left
manager DeltaManager maxInactiveInterval=-1 recordAllActions=true
cluster channelSendOptions=async,use_ack
interceptor MessageDispatchInterceptor maxQueueSize=8KiB
proxy hash $cookie_ID consistent proxy_next_upstream="error http_500"
end 2s
`)
	a, b := s.Node("a"), s.Node("b")
	rows := []struct {
		what      string
		got, want any
	}{
		{"service of a, its own", a.Duration("service", 0), time.Millisecond},
		{"service of b, of all", b.Duration("service", 0), 5 * time.Millisecond},
		{"maxThreads of a, of all", a.Int("maxThreads", 200), 2},
		{"skew of a", a.Duration("skew", 0), -2 * time.Second},
		{"skew of b, not given", b.Duration("skew", time.Second), time.Second},
		{"jvmRoute of a", a.String("jvmRoute", "a"), "left"},
		{"b has a jvmRoute", b.Has("jvmRoute"), false},
		{"maxInactiveInterval", s.Noun("manager").Options.Duration("maxInactiveInterval", 0), Never},
		{"recordAllActions", s.Noun("manager").Options.Bool("recordAllActions", false), true},
		{"channelSendOptions", s.Noun("cluster").Options.Int("channelSendOptions", 8), 10},
		{"maxQueueSize", s.All("interceptor")[0].Options.Int("maxQueueSize", 0), 8192},
		{"proxy_next_upstream", s.Noun("proxy").Options.Words("proxy_next_upstream"), []string{"error", "http_500"}},
		{"class of the proxy", s.Noun("proxy").Class, "hash"},
		{"key and more", s.Noun("proxy").Args, []string{"$cookie_ID", "consistent"}},
		{"no server line", s.Named("server", "a").Word, ""},
	}
	for _, r := range rows {
		if !reflect.DeepEqual(r.got, r.want) {
			t.Errorf("%s = %v, want %v", r.what, r.got, r.want)
		}
	}
}

func TestAskingForAnUnknownOptionPanics(t *testing.T) {
	for _, ask := range []func(){
		func() { Options{}.Has("stiky") },
		func() { Options{}.Int("sticky", 0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic for a mistaken option")
				}
			}()
			ask()
		}()
	}
}

func TestVersionsCompare(t *testing.T) {
	s := mustParse(t, "tomcat 9\nnginx 1.29.6\nnodes 2\nend 1s\n")
	if got, want := s.Noun("tomcat").Version, (Version{9, 0, -1}); got != want {
		t.Errorf("tomcat 9 = %v, want %v", got, want)
	}
	nginx := s.Noun("nginx").Version
	if nginx.Less(Version{1, 29, 6}) || !nginx.Less(Version{1, 29, 7}) || !nginx.Less(Version{1, 30, -1}) {
		t.Errorf("%v does not order between 1.29.6 and 1.29.7", nginx)
	}
}

func TestStatementsAreNumberedAndPlaced(t *testing.T) {
	s := mustParse(t, "nodes 2\n\nuser u\nu GET /\n  wait 1s # a comment\n\nend 2s\nexpect u.ok == 1\n")
	var got []string
	for _, st := range append(s.Script, s.Final...) {
		got = append(got, fmt.Sprintf("%d at %d:%d %s", st.Step, st.Pos.Line, st.Pos.Col, st))
	}
	want := []string{"1 at 4:1 u GET /", "2 at 5:3 wait 1s", "3 at 8:1 expect u.ok == 1"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAttachmentsKeepTheirLineNumbers(t *testing.T) {
	s := mustParse(t, "nodes 2\nend 2s\n\n-- nginx.conf --\nhttp {\n}\n")
	a, ok := s.Attachment("nginx.conf")
	if !ok || a.Pos != (Pos{5, 1}) || string(a.Data) != "http {\n}\n" {
		t.Errorf("got %v %v %q, want nginx.conf from line 5", ok, a.Pos, a.Data)
	}
	if _, ok := s.Attachment("server.xml"); ok {
		t.Error("server.xml is found though nobody attached it")
	}
}

func TestUsersAreThoseByNameThenTheCrowd(t *testing.T) {
	s := mustParse(t, "nodes 2\nusers 2\nuser bob\nuser alice\nend 2s\n")
	if got, want := s.Users(), []string{"bob", "alice", "user1", "user2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Users = %v, want %v", got, want)
	}
}

func TestWorldsDefaultToSim(t *testing.T) {
	if got, want := mustParse(t, "nodes 2\nend 2s\n").Worlds(), []string{"sim"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Worlds = %v, want %v", got, want)
	}
}

// promptScenario is what a prompt knows in the tests below.
func promptScenario(t testing.TB) *Scenario {
	return mustParse(t, "nodes 2\nuser alice\nusers 3\nend 2s\n")
}

func TestAPromptTakesEverythingButNounsAtAndEnd(t *testing.T) {
	decl := promptScenario(t)
	for _, line := range []string{
		"alice POST /counter  3 times", "kill tomcat1 # now", "after 2s start tomcat1", "wait until quiet",
		"wait for alice.later", "expect requests.failed == 0", "when tomcat1 is idle kill tomcat1", "expect user3.failed == 0",
		"expect sessions.lost == 0 and availability > 99%", // so far
	} {
		if _, err := ParseLine(line, decl); err != nil {
			t.Errorf("ParseLine(%q): %v", line, err)
		}
	}
	for _, c := range []struct{ line, want string }{
		{"end 2s", "1:1: end belongs in a file"},
		{"nodes 3", `1:1: "nodes" declares something: that belongs in a file`},
		{"at 2s heal", "1:1: at belongs in a file"},
		{"kill tomcat3", `1:6: unknown node "tomcat3"`},
		{"", "1:1: nothing is written here"},
		{"# only a comment", "1:1: nothing to do"},
		{"expect moved > 0", `1:8: unknown figure "moved"`},
		{"heal\nheal", "1:5: invisible character U+000A"},
	} {
		_, err := ParseLine(c.line, decl)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("ParseLine(%q) = %v, want %s", c.line, err, c.want)
		}
	}
}

func TestAPromptKnowsWhatItsLinesRemembered(t *testing.T) {
	decl := promptScenario(t)
	for _, line := range []string{"together remember moved = sessions.on(tomcat1); kill tomcat1", "meanwhile alice GET / as first",
		"expect moved > 0", "wait for alice.first"} {
		st, err := ParseLine(line, decl)
		if err != nil {
			t.Fatalf("ParseLine(%q): %v", line, err)
		}
		decl.Append(st)
	}
	if got, want := decl.Script[3].Step, 4; got != want {
		t.Errorf("step of the fourth line = %d, want %d", got, want)
	}
	if _, err := ParseLine("remember moved = requests.ok", decl); err == nil {
		t.Error("a name could be remembered twice")
	}
}
