/**
 * Work that may have to wait, written once for both cases: a generator that yields what it waits for. Without a wait it
 * runs to its end in the caller's turn; with one, the call becomes a promise.
 */

/** Something to wait for; the signal aborts when the session is broken or closed. */
export type Wait = (signal: AbortSignal) => Promise<void>

export type Step<A> = Generator<Wait, A, void>

export const runSteps = <A>(steps: Step<A>, signal: () => AbortSignal, resume: () => void): A | Promise<A> => {
  const first = steps.next()
  return first.done === true ? first.value : continueSteps(steps, first.value, signal, resume)
}

const continueSteps = async <A>(
  steps: Step<A>,
  first: Wait,
  signal: () => AbortSignal,
  resume: () => void
): Promise<A> => {
  let wait = first
  for (;;) {
    let failure: unknown
    let failed = false
    const current = signal()
    try {
      await wait(current)
      current.throwIfAborted()
    } catch (error) {
      failed = true
      failure = current.aborted ? current.reason : error
    }
    // Other sessions have used the store in between.
    resume()
    const next = failed ? steps.throw(failure) : steps.next()
    if (next.done === true) return next.value
    wait = next.value
  }
}
