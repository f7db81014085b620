package tribes

import "context"

// interceptor is one link of the chain between the application and the wire.
// Messages to send, heartbeats and questions about members go down the chain;
// messages received and news of members go up.
// Source: Tomcat ChannelInterceptor.java.
type interceptor interface {
	start(ctx context.Context, services StartOptions) error
	stop(ctx context.Context, services StartOptions)
	sendMessage(ctx context.Context, to []Member, m *Message) error
	heartbeat(ctx context.Context)
	members() []Member

	messageReceived(ctx context.Context, m *Message)
	memberAdded(ctx context.Context, m Member)
	memberDisappeared(ctx context.Context, m Member)

	setNext(interceptor)
	setPrevious(interceptor)
}

// passing is an interceptor that passes everything on; others embed it.
// Source: Tomcat ChannelInterceptorBase.java.
type passing struct {
	next     interceptor // towards the wire
	previous interceptor // towards the application
}

func (p *passing) setNext(i interceptor)     { p.next = i }
func (p *passing) setPrevious(i interceptor) { p.previous = i }

func (p *passing) start(ctx context.Context, services StartOptions) error {
	return p.next.start(ctx, services)
}
func (p *passing) stop(ctx context.Context, services StartOptions) { p.next.stop(ctx, services) }
func (p *passing) sendMessage(ctx context.Context, to []Member, m *Message) error {
	return p.next.sendMessage(ctx, to, m)
}
func (p *passing) heartbeat(ctx context.Context) { p.next.heartbeat(ctx) }
func (p *passing) members() []Member             { return p.next.members() }

func (p *passing) messageReceived(ctx context.Context, m *Message) {
	p.previous.messageReceived(ctx, m)
}
func (p *passing) memberAdded(ctx context.Context, m Member) { p.previous.memberAdded(ctx, m) }
func (p *passing) memberDisappeared(ctx context.Context, m Member) {
	p.previous.memberDisappeared(ctx, m)
}

// chained links interceptors, the first nearest the application.
func chained(all []interceptor) {
	for i := 1; i < len(all); i++ {
		all[i-1].setNext(all[i])
		all[i].setPrevious(all[i-1])
	}
}
