// Package notify sends messages about a rollout to webhooks. Their failures never affect the rollout.
//
//	events ──▶ Notifier ── folds them into a report of its own
//	              │
//	              ├── occasion? ──▶ queue of hook 1 ──▶ POST, up to three times
//	              └──              queue of hook 2 ──▶ POST, up to three times
//
// Each hook has its own queue, so that one that hangs holds up no other. What cannot be delivered is warned of
// and forgotten.
package notify
