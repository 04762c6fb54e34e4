/**
 * A finalizer for a scope, added in the step that takes what it gives back. `Scope.addFinalizerExit` is an effect: between
 * taking a session and running it, a fiber can be interrupted, and to rule that out costs more than lending does. What a
 * scope holds is public, though: `Scope.state` is a field that can be set, and its documentation says what it must be.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Connection } from "../../Connection.ts"
import { finish } from "./ending.ts"
import type { Lease } from "./lease.ts"

type Finalizer = () => Effect.Effect<void>

/** The lease ends when the scope closes, which is open. */
export const endsWith = <S, C extends Connection, E, OE>(scope: Scope.Scope, lease: Lease<S, C, E, OE>): void => {
  const finalizer: Finalizer = () => finish(lease) ?? Effect.void
  if (scope.state._tag === "Empty") {
    scope.state = { _tag: "Open", finalizerKey: finalizer, finalizer, finalizers: undefined }
  } else Effect.runSync(Scope.addFinalizerExit(scope, finalizer))
}

/** Whether a scope is closed, or about to be: its finalizers have been told. */
export const isClosed = (scope: Scope.Scope): boolean => scope.state._tag === "Closed"
