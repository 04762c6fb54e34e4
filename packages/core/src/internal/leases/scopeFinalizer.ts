/**
 * A finalizer for a scope, added in the step that takes what it gives back. `Scope.addFinalizerExit` is an effect: between
 * taking a session and running it, a fiber can be interrupted, and to rule that out costs more than lending does. What a
 * scope holds is public, though: `Scope.state` is a field that can be set, and its documentation says what it must be.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

/** Adds a finalizer to a scope that `isEmpty`. */
export const addFirst = (scope: Scope.Scope, finalizer: () => Effect.Effect<void>): void => {
  scope.state = { _tag: "Open", finalizerKey: finalizer, finalizer, finalizers: undefined }
}

/** Takes away a finalizer that was added so, while the scope is open. */
export const removeFirst = (scope: Scope.Scope, finalizer: () => Effect.Effect<void>): void => {
  const { state } = scope
  if (state._tag !== "Open") return
  state.finalizers?.delete(finalizer)
  const isLeft = state.finalizers === undefined ? state.finalizerKey !== finalizer : state.finalizers.size > 0
  if (!isLeft) scope.state = { _tag: "Empty" }
}

/** Whether a finalizer that is set like this behaves as one that was added, also beside others, and on a forked scope. */
const behaves = (): boolean => {
  const ran: Array<string> = []
  const note = (what: string) => Effect.sync(() => void ran.push(what))
  const parent = Scope.makeUnsafe()
  const scope = Scope.forkUnsafe(parent)
  addFirst(scope, () => note("first"))
  Effect.runSync(Effect.andThen(Scope.addFinalizer(scope, note("second")), Scope.close(parent, Exit.void)))
  const left = Scope.makeUnsafe()
  const withdrawn = () => note("withdrawn")
  addFirst(left, withdrawn)
  Effect.runSync(Scope.addFinalizer(left, note("third")))
  removeFirst(left, withdrawn)
  Effect.runSync(Scope.close(left, Exit.void))
  return ran.join() === "second,first,third" && isClosed(scope)
}

let isKnownToWork: boolean | undefined

/**
 * Whether `addFirst` can be used. It is tried out once: with an Effect that keeps its
 * scopes otherwise, pools take the longer way.
 */
export const canAddFirst = (): boolean => {
  if (isKnownToWork === undefined) {
    try {
      isKnownToWork = behaves()
    } catch {
      isKnownToWork = false
    }
  }
  return isKnownToWork
}

/** Whether a scope is closed, or about to be: its finalizers have been told. */
export const isClosed = (scope: Scope.Scope): boolean => scope.state._tag === "Closed"

/** Whether a scope is open and has no finalizer. */
export const isEmpty = (scope: Scope.Scope): boolean => scope.state._tag === "Empty"
