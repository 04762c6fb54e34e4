/** A test database as its users see it. */
import type { SessionDriver } from "@sessionpool/core"
import type * as Effect from "effect/Effect"
import type { LedgerEntry } from "./ledger.ts"
import type { Behavior, LedgerError, Operation, TestConnection, TestDatabaseError, TestSession } from "./testSession.ts"

/**
 * A test database: its driver, the switches that inject faults, and its ledger.
 *
 * **Details**
 *
 * Every switch works at any moment, also while operations are under way: an operation looks at its behavior when it begins,
 * and again whether its session is alive when it ends.
 *
 * @category models
 * @since 0.1.0
 */
export interface TestDatabase {
  readonly driver: SessionDriver.SessionDriver<TestSession, TestConnection, TestDatabaseError>
  /** Says how an operation behaves from now on. */
  readonly behave: (operation: Operation, behavior: Behavior) => Effect.Effect<void>
  /** Lets every operation succeed again; operations that hang go on hanging. */
  readonly heal: Effect.Effect<void>
  /** Refuses to open sessions: `times` times, or until it is healed. */
  readonly refuseToOpen: (times?: number) => Effect.Effect<void>
  /** Changes a password; `undefined` locks the account. Needs `accounts`. */
  readonly setPassword: (user: string, password: string | undefined) => Effect.Effect<void>
  /** Kills a session: whatever is done with it from now on fails, and the driver calls it fatal. */
  readonly kill: (session: number) => Effect.Effect<boolean>
  /** Kills all sessions; the answer is how many. */
  readonly killAll: Effect.Effect<number>
  /** Announces that a session is about to be shut down, which the driver sees without a round trip. */
  readonly announceShutdown: (session: number) => Effect.Effect<boolean>
  /**
   * Takes an instance down: new sessions land on the others. Those that are there are told that it will stop, which the driver sees without
   * a round trip (`"announced"`), are killed (`"abort"`), or hear nothing and live on, as when only the service was taken away (`"unlisted"`).
   */
  readonly stopInstance: (instance: string, how: "abort" | "announced" | "unlisted") => Effect.Effect<void>
  /** An instance that was taken down is there again. */
  readonly startInstance: (instance: string) => Effect.Effect<void>
  /** Has the listener put every new session on this instance, as long as it is up; `undefined`: on the one with the fewest again. */
  readonly placeOn: (instance: string | undefined) => Effect.Effect<void>
  /** Lets the driver report a fatal error on a session that is lent. */
  readonly reportFatal: (session: number, cause: unknown) => Effect.Effect<boolean>
  /** Sessions that are open. */
  readonly sessions: Effect.Effect<ReadonlyArray<TestSession>>
  /** Log-ins that were refused, by user: what would lock an account. */
  readonly refusedLogins: Effect.Effect<ReadonlyMap<string, number>>
  /** Everything that happened so far. */
  readonly ledger: Effect.Effect<ReadonlyArray<LedgerEntry>>
  /** How often something happened. */
  readonly count: (event: LedgerEntry["event"]) => Effect.Effect<number>
  /** The most sessions that were open or being opened at any one moment. */
  readonly mostOpen: Effect.Effect<number>
  /** Fails when a session is still open, or something happened that a pool must never do. */
  readonly balance: Effect.Effect<void, LedgerError>
  /** What a pool must never do and did, so far. */
  readonly violations: Effect.Effect<ReadonlyArray<string>>
}
