/** Alerts between sessions (DBMS_ALERT): a message for each name, given out by the commit of the transaction that signals. */

interface Registration {
  message: string | null
  /** Signalled since the session last waited for it: only the last message is kept. */
  signalled: boolean
}

export class Alerts {
  readonly #registered = new Map<number, Map<string, Registration>>()
  readonly #waiting = new Map<number, () => void>()

  register(sid: number, name: string): void {
    let own = this.#registered.get(sid)
    if (own === undefined) {
      own = new Map()
      this.#registered.set(sid, own)
    }
    if (!own.has(name)) own.set(name, { message: null, signalled: false })
  }

  remove(sid: number, name: string | undefined): void {
    if (name === undefined) this.#registered.delete(sid)
    else this.#registered.get(sid)?.delete(name)
  }

  isRegistered(sid: number, name: string | undefined): boolean {
    const own = this.#registered.get(sid)
    return own !== undefined && (name === undefined ? own.size > 0 : own.has(name))
  }

  /** Gives a message to all who have registered. */
  deliver(name: string, message: string | null): void {
    for (const [other, registrations] of this.#registered) {
      const registration = registrations.get(name)
      if (registration === undefined) continue
      registration.message = message
      registration.signalled = true
      this.#waiting.get(other)?.()
    }
  }

  /** The alert that has come, if any: it counts as received. */
  take(sid: number, name: string | undefined): { readonly name: string; readonly message: string | null } | undefined {
    for (const [candidate, registration] of this.#registered.get(sid) ?? []) {
      if (!registration.signalled || (name !== undefined && candidate !== name)) continue
      registration.signalled = false
      return { name: candidate, message: registration.message }
    }
    return undefined
  }

  /** Resolves when something comes for the session, or when the time is over. */
  wait(sid: number, signal: AbortSignal, timeout: ((signal: AbortSignal) => Promise<void>) | undefined): Promise<void> {
    const timer = new AbortController()
    return new Promise<void>((resolve, reject) => {
      signal.throwIfAborted()
      this.#waiting.set(sid, resolve)
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true, signal: timer.signal })
      timeout?.(timer.signal).then(resolve, () => undefined)
    }).finally(() => {
      this.#waiting.delete(sid)
      timer.abort()
    })
  }

  /** The session is over. */
  forget(sid: number): void {
    this.#registered.delete(sid)
  }
}
