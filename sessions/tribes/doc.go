// Package tribes is Tomcat's group communication: which nodes belong to the
// cluster, and how messages reach them.
//
// Start with Channel and Config. A Channel is a chain: the application on top,
// then the interceptors (TcpFailureDetector, MessageDispatchInterceptor), at the
// bottom the receiver, the pool of senders and the membership service. Their
// order decides who hears of what; see Config.Interceptors. The tables and
// formats are pure: Membership receives the time, and a heartbeat or a frame is
// bytes in and a value out.
//
// It knows nothing of sessions. What it sends is as long as Tomcat's, frame and
// member packet byte by byte, the content in its length (Message.Size). Left out:
// datagram and multicast sending of messages (options 32 and 64), and the
// interceptors that order, fragment, compress, encrypt, filter by domain or elect a
// coordinator. A payload in a heartbeat is carried but not used.
//
// Sources named "Source: Tomcat X.java" are under
// java/org/apache/catalina/tribes of Apache Tomcat 9.0 and 10.1.
package tribes
