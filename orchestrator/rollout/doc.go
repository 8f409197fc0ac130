// Package rollout has what a rollout records: its facts, the report that is their fold, and the interfaces of a store.
//
//	plan, events, err := store.Load(ctx, id)
//	report := &rollout.Report{}
//	for _, e := range events {
//		report.Apply(e)
//	}
//	fmt.Println(report.State, report.Count(plan.OutcomeFailed), report.Next())
//
// A run is the only writer of facts. Each is an [Event]: numbered, durable in the store, then shown to the observers:
//
//	run ──▶ Event{Seq, Time, Fact} ──▶ Store ──▶ Observer: progress, webhooks, JSON lines
//	                │
//	                ▼ Apply
//	             Report: State, Waves, Failed, Causes, Running, Next …
//
// Progress, stored reports and exit codes are the same fold of the same facts; nothing else decides what is shown or resumed.
// [Current] is the plan as the rollout has changed it, [HistoryOf] what planning it again needs to know.
//
// Operators append a [Command] to the store. The process that runs the rollout polls for them, decides by [Admit], and answers
// with a [Commanded] fact; if no process runs it, package control does so under the fleet's lock.
package rollout
