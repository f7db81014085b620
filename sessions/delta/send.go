package delta

import (
	"context"
	"errors"

	"sessionlab/lab/world"
	"sessionlab/sessions"
	"sessionlab/sessions/tribes"
)

// tellMembers sends a message that is not worth making when nobody is there:
// Created, Expired and the new ids.
func (m *Manager) tellMembers(ctx context.Context, msg *message) {
	if !m.HasMembers() {
		m.trace(Alone, msg, nil, "")
		return
	}
	m.broadcast(ctx, msg)
}

// broadcast sends a message to all members as channelSendOptions say.
func (m *Manager) broadcast(ctx context.Context, msg *message) {
	m.send(ctx, m.channel.Members(), msg, m.cfg.SendOptions)
}

// send sends a message. A failure, which only a send that waits can notice, is
// told to the trace and forgotten; what was to be sent is not kept.
// Source: Tomcat SimpleTcpCluster.java, send.
func (m *Manager) send(ctx context.Context, to []tribes.Member, msg *message, options tribes.Options) {
	if len(to) == 0 {
		return
	}
	m.count(&m.counts.Sent[msg.kind])
	if msg.manager == "" {
		msg.manager = m.cfg.Name
	}
	err := m.channel.Send(ctx, to, &tribes.Message{
		Label:   world.Label{Kind: msg.kind.String(), Key: sessions.Base(msg.session)},
		Body:    msg.body(),
		Size:    msg.size(),
		Options: options,
	})
	if err != nil && !errors.Is(err, world.ErrHostDown) {
		m.trace(SendFailed, msg, nil, err.Error())
	}
}
