/** The sessions that DRCP keeps between clients: which one fits, and when one ends. */
import type { Logon } from "../ttc/logon.ts"
import type { ServerSession } from "../ttc/serverSession.ts"

/** The key under which DRCP shares sessions: the same user, service and connection class. */
const poolKey = (logon: Logon, service: string): string =>
  [logon.user, logon.proxyUser ?? "", service, logon.connectionClass ?? "", logon.edition ?? ""].join("\0")

interface IdleSession {
  readonly session: ServerSession
  readonly key: string
  /** The client that used it last, by its logon. */
  readonly owner: Logon
}

/** The sessions that DRCP keeps between clients. */
export class PooledSessions {
  readonly #idle: Array<IdleSession> = []

  give(session: ServerSession, logon: Logon, service: string): void {
    if (session.killed || session.closed) return
    this.#idle.push({ session, key: poolKey(logon, service), owner: logon })
  }

  /** The client's last session when it is still there, otherwise the one of its class that was used last. */
  take(logon: Logon, service: string, previous: ServerSession | undefined): ServerSession | undefined {
    const key = poolKey(logon, service)
    let found = -1
    for (let index = this.#idle.length - 1; index >= 0; index--) {
      const entry = this.#idle[index]!
      if (entry.session === previous) {
        found = index
        break
      }
      if (found < 0 && entry.key === key) found = index
    }
    return found < 0 ? undefined : this.#idle.splice(found, 1)[0]!.session
  }

  remove(session: ServerSession): void {
    const index = this.#idle.findIndex((entry) => entry.session === session)
    if (index >= 0) this.#idle.splice(index, 1)
  }

  drain(): ReadonlyArray<ServerSession> {
    return this.#idle.splice(0).map((entry) => entry.session)
  }

  get size(): number {
    return this.#idle.length
  }
}
