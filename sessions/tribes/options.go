package tribes

// Options are the bits of channelSendOptions: how one message is sent.
// Source: Tomcat Channel.java, SEND_OPTIONS_*.
type Options int

const (
	// ByteMessage says that the body is raw bytes. It changes nothing here.
	ByteMessage Options = 1
	// UseAck makes the sender wait for an acknowledgement.
	UseAck Options = 2
	// SynchronizedAck, with UseAck, has the acknowledgement sent after the
	// receiver has processed the message. Alone it does nothing.
	SynchronizedAck Options = 4
	// Asynchronous queues the message for a dispatcher thread.
	Asynchronous Options = 8
	// UDP and Multicast are refused by Channel.Send: they are not simulated.
	UDP       Options = 32
	Multicast Options = 64
)

// ackOnReceipt reports whether the receiver acknowledges before it processes.
// Source: Tomcat ChannelData.java, sendAckAsync.
func (o Options) ackOnReceipt() bool { return o&UseAck != 0 && o&SynchronizedAck == 0 }

// ackAfterProcessing reports whether the receiver acknowledges afterwards.
// Source: Tomcat ChannelData.java, sendAckSync.
func (o Options) ackAfterProcessing() bool { return o&UseAck != 0 && o&SynchronizedAck != 0 }

// StartOptions are the bits of channelStartOptions: which services a channel
// starts. Source: Tomcat Channel.java, *_SEQ.
type StartOptions int

const (
	ReceiveMessages     StartOptions = 1 // the receiver
	SendMessages        StartOptions = 2 // the senders and the dispatcher
	ListenMembership    StartOptions = 4 // hear of others
	BroadcastMembership StartOptions = 8 // let others hear of this node
	startAll            StartOptions = 15
	membership                       = ListenMembership | BroadcastMembership
)
