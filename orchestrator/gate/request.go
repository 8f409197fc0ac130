package gate

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is a GET as the meters make it.
type request struct {
	client  *http.Client // nil = the default one
	headers map[string]func(context.Context) (string, error)
	veil    veil // over whatever of the answer is shown
}

// place reads and checks an URL. Errors do not quote it: it may hold a token, and one that cannot be parsed may
// hold it anywhere.
func (r *request) place(ctx context.Context, read func(context.Context) (string, error)) (*url.URL, error) {
	if read == nil {
		return nil, errors.New("it has no URL")
	}
	text, err := read(ctx)
	if err != nil {
		return nil, fmt.Errorf("its URL: %w", err)
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("its URL is not of the form https://host/path")
	}
	r.veil.hideURL(u)
	return u, nil
}

// get sends the request. The caller closes the body. Errors say why there was no answer.
func (r *request) get(ctx context.Context, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("its URL is not of the form https://host/path")
	}
	req.Header.Set("User-Agent", "skein")
	for _, name := range slices.Sorted(maps.Keys(r.headers)) {
		value, err := r.headers[name](ctx)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}
		r.veil.hide(value)
		if strings.EqualFold(name, "Host") {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	client := http.Client{}
	if r.client != nil {
		client = *r.client
	}
	if client.CheckRedirect == nil {
		client.CheckRedirect = stayThere
	}
	resp, err := client.Do(req)
	if err == nil {
		return resp, nil
	}
	if ctx.Err() != nil {
		return nil, errors.New(late(ctx.Err()))
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL
	}
	return nil, errors.New(shorten(r.veil.over(err.Error()), lineShown))
}

// stayThere follows redirections within a host, such as that to https. Another host may show
// a login page, whose status says nothing, and must not get the headers.
func stayThere(next *http.Request, before []*http.Request) error {
	last := before[len(before)-1].URL
	if len(before) >= 5 || next.URL.Hostname() != last.Hostname() || last.Scheme == "https" && next.URL.Scheme != "https" {
		return http.ErrUseLastResponse
	}
	return nil
}

// firstLine returns the first line of a body that is not empty, of which it reads no more than it must.
func (r *request) firstLine(body io.Reader) string {
	lines := bufio.NewReader(io.LimitReader(body, 4<<10))
	for {
		text, err := lines.ReadString('\n')
		if text = shorten(r.veil.over(text), lineShown); text != "" || err != nil {
			return text
		}
	}
}
