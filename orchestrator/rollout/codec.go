package rollout

import (
	"encoding/json"
	"fmt"
)

// kinds names the facts in stores. Names are for ever: a store that was written by an older program has
// to be read by a newer one.
var kinds = map[string]func([]byte) (Fact, error){
	"rollout_started":    decodeAs[Started],
	"wave_started":       decodeAs[WaveStarted],
	"tenants_dispatched": decodeAs[TenantsDispatched],
	"tenant_started":     decodeAs[TenantStarted],
	"tenant_returned":    decodeAs[TenantReturned],
	"tenant_retrying":    decodeAs[TenantRetrying],
	"tenant_deferred":    decodeAs[TenantDeferred],
	"tenant_finished":    decodeAs[TenantFinished],
	"tenants_under_work": decodeAs[TenantsRunning],
	"tenants_waiting":    decodeAs[TenantsWaiting],
	"server_paused":      decodeAs[ServerPaused],
	"server_resumed":     decodeAs[ServerResumed],
	"width_changed":      decodeAs[WidthChanged],
	"warned":             decodeAs[Warned],
	"tenants_joined":     decodeAs[TenantsJoined],
	"tenants_replanned":  decodeAs[TenantsReplanned],
	"gate_closed":        decodeAs[GateClosed],
	"gate_measured":      decodeAs[GateMeasured],
	"approval_awaited":   decodeAs[ApprovalAwaited],
	"gate_settled":       decodeAs[GateSettled],
	"commanded":          decodeAs[Commanded],
	"wave_finished":      decodeAs[WaveFinished],
	"rollout_ended":      decodeAs[Ended],
}

func decodeAs[F Fact](data []byte) (Fact, error) {
	var f F
	err := json.Unmarshal(data, &f)
	return f, err
}

// Encode returns a fact as its kind and a JSON object. [Decode] gives back an equal one.
func Encode(f Fact) (kind string, data []byte, err error) {
	kind = kindOf(f)
	data, err = json.Marshal(f)
	if err != nil {
		return "", nil, fmt.Errorf("encode the fact %s: %w", kind, err)
	}
	return kind, data, nil
}

// Decode is the reverse of [Encode].
func Decode(kind string, data []byte) (Fact, error) {
	decode, ok := kinds[kind]
	if !ok {
		return nil, fmt.Errorf("a fact of kind %q: it was stored by a newer skein", kind)
	}
	f, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("decode the fact %s: %w", kind, err)
	}
	return f, nil
}

func kindOf(f Fact) string {
	switch f.(type) {
	case Started:
		return "rollout_started"
	case WaveStarted:
		return "wave_started"
	case TenantsDispatched:
		return "tenants_dispatched"
	case TenantStarted:
		return "tenant_started"
	case TenantReturned:
		return "tenant_returned"
	case TenantRetrying:
		return "tenant_retrying"
	case TenantDeferred:
		return "tenant_deferred"
	case TenantFinished:
		return "tenant_finished"
	case TenantsRunning:
		return "tenants_under_work"
	case TenantsWaiting:
		return "tenants_waiting"
	case ServerPaused:
		return "server_paused"
	case ServerResumed:
		return "server_resumed"
	case WidthChanged:
		return "width_changed"
	case Warned:
		return "warned"
	case TenantsJoined:
		return "tenants_joined"
	case TenantsReplanned:
		return "tenants_replanned"
	case GateClosed:
		return "gate_closed"
	case GateMeasured:
		return "gate_measured"
	case ApprovalAwaited:
		return "approval_awaited"
	case GateSettled:
		return "gate_settled"
	case Commanded:
		return "commanded"
	case WaveFinished:
		return "wave_finished"
	case Ended:
		return "rollout_ended"
	}
	panic(fmt.Sprintf("a fact of type %T", f)) // the set is sealed
}
