package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	tries        = 3
	requestBound = 10 * time.Second // one try
	firstWait    = time.Second      // before the second try; three times that before the third
	longestWait  = 10 * time.Second // that a server may ask for
)

// sender delivers the messages of one hook, one after another.
type sender struct {
	hook   Hook
	title  string
	client http.Client

	queue []message // see Notifier.mu
	busy  bool      // a goroutine is at it; see Notifier.mu
}

func newSender(h Hook, title string, client *http.Client) *sender {
	s := &sender{hook: h, title: title}
	if client != nil {
		s.client = *client
	}
	if s.client.CheckRedirect == nil { // a POST that is sent elsewhere becomes a GET, and succeeds
		s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return s
}

// failure is a try that did not succeed.
type failure struct {
	error
	again bool          // another try may
	wait  time.Duration // that the server asks for
}

// errLate says that Close could not wait any longer.
var errLate = errors.New("there was no time left")

// deliver sends a message. Its errors never hold the URL.
func (s *sender) deliver(ctx context.Context, m message) error {
	body, err := s.body(m)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errLate
	}
	for try, wait := 1, firstWait; ; try, wait = try+1, 3*wait {
		f := s.post(ctx, body)
		switch {
		case f == nil:
			return nil
		case ctx.Err() != nil:
			return errLate
		case !f.again:
			return f.error
		case try == tries:
			return fmt.Errorf("%w (%d tries)", f.error, tries)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; then %w", f.error, errLate)
		case <-time.After(max(wait, f.wait)):
		}
	}
}

func (s *sender) body(m message) ([]byte, error) {
	var content any = m
	if s.hook.Format == Slack {
		content = map[string]string{"text": escapeSlack(m.Text)}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(content)
	return b.Bytes(), err
}

// escapeSlack makes Slack show a text as it is ("Formatting text for app surfaces"): the text of an error mentions no
// user and makes no link.
func escapeSlack(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// post is one try; nil when the hook has it.
func (s *sender) post(ctx context.Context, body []byte) *failure {
	ctx, cancel := context.WithTimeout(ctx, requestBound)
	defer cancel()
	req, err := s.request(ctx, body)
	if err != nil {
		return &failure{error: err}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %s", requestBound)
		} else if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the URL
		}
		return &failure{error: err, again: true}
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode/100 == 2 {
		return nil
	}
	f := &failure{again: resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500}
	f.error = errors.New(strings.TrimSpace(fmt.Sprintf("%d %s %s", resp.StatusCode, http.StatusText(resp.StatusCode), reason(said))))
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		f.wait = min(time.Duration(min(seconds, 3600))*time.Second, longestWait)
	}
	return f
}

func (s *sender) request(ctx context.Context, body []byte) (*http.Request, error) {
	if s.hook.URL == nil {
		return nil, errors.New("it has no URL")
	}
	text, err := s.hook.URL(ctx)
	if err != nil {
		return nil, fmt.Errorf("its URL: %w", err)
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("its URL is not of the form https://host/path")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("its URL is not of the form https://host/path")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "skein")
	return req, nil
}

// reason returns the one word by which Slack and others say why, such as no_service. Nothing longer is shown: a
// page of an error may quote the URL.
func reason(body []byte) string {
	if text := strings.TrimSpace(string(body)); word.MatchString(text) {
		return "(" + text + ")"
	}
	return ""
}

var word = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)
