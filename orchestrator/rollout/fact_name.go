package rollout

// factTypes returns a zero value of each fact: what [Decode] reads.
func factTypes() []Fact {
	return []Fact{
		Started{},
		WaveStarted{},
		TenantsDispatched{},
		TenantStarted{},
		TenantReturned{},
		TenantRetrying{},
		TenantDeferred{},
		TenantFinished{},
		TenantsRunning{},
		TenantsWaiting{},
		ServerPaused{},
		ServerResumed{},
		WidthChanged{},
		Warned{},
		TenantsJoined{},
		TenantsReplanned{},
		GateClosed{},
		GateMeasured{},
		ApprovalAwaited{},
		GateSettled{},
		Commanded{},
		WaveFinished{},
		Ended{},
	}
}

// Name implements [Fact].
func (Started) Name() string { return "rollout_started" }

// Name implements [Fact].
func (WaveStarted) Name() string { return "wave_started" }

// Name implements [Fact].
func (TenantsDispatched) Name() string { return "tenants_dispatched" }

// Name implements [Fact].
func (TenantStarted) Name() string { return "tenant_started" }

// Name implements [Fact].
func (TenantReturned) Name() string { return "tenant_returned" }

// Name implements [Fact].
func (TenantRetrying) Name() string { return "tenant_retrying" }

// Name implements [Fact].
func (TenantDeferred) Name() string { return "tenant_deferred" }

// Name implements [Fact].
func (TenantFinished) Name() string { return "tenant_finished" }

// Name implements [Fact].
func (TenantsRunning) Name() string { return "tenants_under_work" }

// Name implements [Fact].
func (TenantsWaiting) Name() string { return "tenants_waiting" }

// Name implements [Fact].
func (ServerPaused) Name() string { return "server_paused" }

// Name implements [Fact].
func (ServerResumed) Name() string { return "server_resumed" }

// Name implements [Fact].
func (WidthChanged) Name() string { return "width_changed" }

// Name implements [Fact].
func (Warned) Name() string { return "warned" }

// Name implements [Fact].
func (TenantsJoined) Name() string { return "tenants_joined" }

// Name implements [Fact].
func (TenantsReplanned) Name() string { return "tenants_replanned" }

// Name implements [Fact].
func (GateClosed) Name() string { return "gate_closed" }

// Name implements [Fact].
func (GateMeasured) Name() string { return "gate_measured" }

// Name implements [Fact].
func (ApprovalAwaited) Name() string { return "approval_awaited" }

// Name implements [Fact].
func (GateSettled) Name() string { return "gate_settled" }

// Name implements [Fact].
func (Commanded) Name() string { return "commanded" }

// Name implements [Fact].
func (WaveFinished) Name() string { return "wave_finished" }

// Name implements [Fact].
func (Ended) Name() string { return "rollout_ended" }
