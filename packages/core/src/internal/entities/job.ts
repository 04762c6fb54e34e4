/** Work that a decision orders and that takes time. It is started once the decision is complete, in the pool's scope. */
import type * as Effect from "effect/Effect"
import type { CloseReason } from "../../PoolEvent.ts"
import type { Session } from "./session.ts"
import type { SessionGroup } from "./session.ts"

export type Job<S> =
  | { readonly _tag: "Open"; readonly group: SessionGroup<S> }
  | { readonly _tag: "Close"; readonly session: Session<S>; readonly reason: CloseReason }
  | { readonly _tag: "Check"; readonly session: Session<S> }
  /** A session that was taken away from its holder: what runs on it is stopped before it is closed. */
  | { readonly _tag: "TakeAway"; readonly session: Session<S>; readonly reason: CloseReason }
  /** Something beside the sessions, such as a pause or a log line. */
  | { readonly _tag: "Run"; readonly effect: Effect.Effect<void> }
