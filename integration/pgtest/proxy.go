package pgtest

import (
	"context"
	"encoding/json"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// NetProxy is a network between tests and a server that can be made slow, deaf or broken. Faults add up until
// [NetProxy.Heal]. The methods may be called from any goroutine of the test.
type NetProxy struct {
	URL string // the superuser's URL through the proxy

	t     testing.TB
	proxy *toxiproxy.Proxy
}

// Proxy starts a faultless proxy in front of a server. It ends with the test.
func Proxy(t testing.TB, i *Instance) *NetProxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	upstream := net.JoinHostPort(i.Host, strconv.Itoa(i.Port))
	port, err := freePort() // a fixed one, because Disable must not lose it
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	proxy := toxiproxy.NewProxy(server, t.Name(), net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), upstream)
	if err := proxy.Start(); err != nil {
		t.Fatalf("pgtest: start the proxy: %v", err)
	}
	t.Cleanup(proxy.Stop)
	p := &NetProxy{t: t, proxy: proxy}
	p.URL = p.Through(i.URL)
	return p
}

// Through returns another URL of the same server, such as [Database] gives, through the proxy.
func (p *NetProxy) Through(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		p.t.Errorf("pgtest: %v", err)
		return rawURL
	}
	u.Host = p.proxy.Listen
	return u.String()
}

// Latency delays the data in each direction, so that a round trip takes twice that long.
func (p *NetProxy) Latency(each time.Duration) {
	p.add("latency", "upstream", map[string]int64{"latency": each.Milliseconds()})
	p.add("latency", "downstream", map[string]int64{"latency": each.Milliseconds()})
}

// Reset breaks each connection, with a TCP reset, at the next data from either side.
func (p *NetProxy) Reset() {
	p.add("reset_peer", "upstream", map[string]int64{"timeout": 0})
	p.add("reset_peer", "downstream", map[string]int64{"timeout": 0})
}

// Blackhole swallows all data in both directions and leaves the connections open. [NetProxy.Heal] closes them,
// for what was swallowed is lost.
func (p *NetProxy) Blackhole() {
	p.add("timeout", "upstream", map[string]int64{"timeout": 0})
	p.add("timeout", "downstream", map[string]int64{"timeout": 0})
}

// LoseAnswers lets requests through and swallows what the server says: a commit happens and its reply is lost.
func (p *NetProxy) LoseAnswers() {
	p.add("timeout", "downstream", map[string]int64{"timeout": 0})
}

// LimitData closes each connection once the server has sent so many bytes over it from now on.
func (p *NetProxy) LimitData(bytes int64) {
	p.add("limit_data", "downstream", map[string]int64{"bytes": bytes})
}

// LimitRequests closes each connection once the client has sent so many bytes over it from now on.
func (p *NetProxy) LimitRequests(bytes int64) {
	p.add("limit_data", "upstream", map[string]int64{"bytes": bytes})
}

// Heal takes all faults away.
func (p *NetProxy) Heal() {
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	p.proxy.Toxics.ResetToxics(ctx)
}

// Disable closes all connections and refuses new ones.
func (p *NetProxy) Disable() { p.proxy.Stop() }

// Enable listens again under the same address.
func (p *NetProxy) Enable() {
	if err := p.proxy.Start(); err != nil {
		p.t.Errorf("pgtest: start the proxy again: %v", err)
	}
}

func (p *NetProxy) add(kind, stream string, attributes map[string]int64) {
	text, err := json.Marshal(map[string]any{"type": kind, "stream": stream, "attributes": attributes})
	if err == nil {
		_, err = p.proxy.Toxics.AddToxicJson(strings.NewReader(string(text)))
	}
	if err != nil {
		p.t.Errorf("pgtest: %s: %v", kind, err)
	}
}
