package chat

import "context"

// Asker asks a client on behalf of whoever asked it. It may count and record the
// call, or answer by itself.
type Asker func(ctx context.Context, c *Client, r Request) (Reply, error)

type askerKey struct{}

// WithAsker returns a context in which every Client hands its requests to ask
// instead of sending them. Asked with the context that ask is given, the client
// sends.
//
// It is for models that are asked deep within something else, such as by a judge,
// and whose calls belong to the same budget.
func WithAsker(ctx context.Context, ask Asker) context.Context {
	return context.WithValue(ctx, askerKey{}, ask)
}

// Admitter holds a request back or lets it pass, as [Endpoint.Admit] does.
type Admitter func(ctx context.Context, tokens int) error

type admitterKey struct{}

// WithAdmitter returns a context in which every Client also asks admit before each
// HTTP request, repeated ones included: for an Asker whose budget must hold.
func WithAdmitter(ctx context.Context, admit Admitter) context.Context {
	return context.WithValue(ctx, admitterKey{}, admit)
}

// askerOf returns the Asker of a context, nil if there is none, and the context
// without it.
func askerOf(ctx context.Context) (Asker, context.Context) {
	ask, _ := ctx.Value(askerKey{}).(Asker)
	if ask == nil {
		return nil, ctx
	}
	return ask, WithAsker(ctx, nil)
}
