/**
 * What a pool tells of each of its sessions.
 *
 * @since 0.1.0
 */

/**
 * The lease on a session, as far as it can be seen from outside.
 *
 * **Details**
 *
 * `fiber` is the number of the fiber that asked for the session, and `span` the span in which that fiber is now. `takenAt` is where in
 * the program it asked, known while `leakDetectionThreshold` is set. `calls` is how many calls run on the session;
 * `idleMillis` is how long there has been none, and `undefined` while there is one.
 *
 * @see {@link PoolSession}
 * @category models
 * @since 0.1.0
 */
export interface SessionLease {
  readonly heldMillis: number
  readonly idleMillis: number | undefined
  readonly calls: number
  readonly fiber: number | undefined
  readonly span: { readonly name: string | undefined; readonly traceId: string; readonly spanId: string } | undefined
  readonly takenAt: string | undefined
}

/**
 * A session of a pool at one moment: what `pool.sessions` is made of.
 *
 * **When to use**
 *
 * Use it in a page or a command for whoever runs the program: which session is held by what, since when, and which one that is at
 * the server.
 *
 * **Details**
 *
 * - `session` is its number in the pool, as events, errors and `connection.id` have it.
 * - `place` is where it is: `"checking"` is an idle session that is being pinged. Sessions that are being opened are only counted, in
 *   `pool.statistics`.
 * - `identity` says in words whose session it is, without secrets.
 * - `openedAt` is a date in milliseconds; the other times are durations in milliseconds. `idleMillis` is `undefined` unless no
 *   caller holds it.
 * - `uses` is how many leases it has served, the present one included.
 * - `instance` is where at the database it was opened, if the driver tells.
 * - `sid`, `serial` and `statement` are what the driver knows without a round trip. `statement` is the text that runs now,
 *   never with the values that are bound to it.
 *
 * **Example** (The sessions held longest)
 *
 * ```ts
 * import type { Connection, SessionPool } from "@sessionpool/core"
 * import { Effect } from "effect"
 *
 * const heldLongest = <C extends Connection.Connection>(pool: SessionPool.SessionPool<C>) =>
 *   Effect.map(pool.sessions, (sessions) =>
 *     sessions.flatMap(({ lease, session }) => lease === undefined ? [] : [{ session, ...lease }])
 *       .sort((a, b) => b.heldMillis - a.heldMillis)
 *       .slice(0, 5))
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface PoolSession {
  readonly session: number
  readonly place: "idle" | "checking" | "busy" | "closing"
  readonly identity: string
  readonly tag: string | undefined
  readonly openedAt: number
  readonly ageMillis: number
  readonly idleMillis: number | undefined
  readonly uses: number
  readonly lease: SessionLease | undefined
  readonly instance: string | undefined
  readonly sid: number | undefined
  readonly serial: number | undefined
  readonly statement: string | undefined
}
