/** The sessions of a test database, the connections to them, and how it can be told to behave. */
import { Connection, PoolError, type SessionRequest } from "@sessionpool/core"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * A failure of the test database.
 *
 * **When to use**
 *
 * Fail with it in the database's `answer`, and match it in tests of code that handles a failed statement.
 *
 * **Details**
 *
 * `kind` is `"authentication"` for refused credentials, `"connection"` for a session that cannot be opened or is dead,
 * `"statement"` for anything else.
 *
 * **Example** (A table that is not there)
 *
 * ```ts
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * const database = TestDatabase.make({
 *   answer: ({ text }) =>
 *     Effect.fail(new TestDatabase.TestDatabaseError({ kind: "statement", message: `no such table: ${text}` }))
 * })
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class TestDatabaseError
  extends Schema.TaggedError<TestDatabaseError>("@sessionpool/testing/TestDatabaseError")("TestDatabaseError", {
    kind: Schema.Literals(["authentication", "connection", "statement"]),
    message: Schema.String
  })
{}

/**
 * The ledger does not balance: a session was left open, closed twice, lent twice, or used by two at once.
 *
 * **When to use**
 *
 * Read its `problems` when a test fails with it: each names a session, and what happened to it. The cause is in the pool, or in a driver of your own.
 *
 * @category errors
 * @since 0.1.0
 */
export class LedgerError extends Schema.TaggedError<LedgerError>("@sessionpool/testing/LedgerError")("LedgerError", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return `The ledger of the test database does not balance:\n${this.problems.map((line) => `- ${line}`).join("\n")}`
  }
}

/**
 * What a session can be asked to do, by the names that `behave` and `latency` take.
 *
 * @category models
 * @since 0.1.0
 */
export type Operation = "open" | "ping" | "reset" | "interrupt" | "close" | "execute"

/**
 * How an operation behaves from now on.
 *
 * **When to use**
 *
 * Give it to `database.behave` to make an operation slow, or to let it fail or hang.
 *
 * **Example** (Two pings that fail after a second)
 *
 * ```ts
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * const trouble = Effect.flatMap(TestDatabase.Database, (database) =>
 *   database.behave("ping", { latency: "1 second", outcome: "fail", times: 2 }))
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Behavior {
  /** How long it takes; 0 unless told. */
  readonly latency?: Duration.Input
  /** What it comes to; `"succeed"` unless told. */
  readonly outcome?: "succeed" | "fail" | "hang"
  /** For how many times; from then on it succeeds again, as slowly as before. Without it: until it is told otherwise. */
  readonly times?: number
}

/**
 * A statement as the database's `answer` gets it.
 *
 * **When to use**
 *
 * Decide by its `text` and `binds` what a query gives; look at `session` to tell callers apart.
 *
 * @category models
 * @since 0.1.0
 */
export interface Statement {
  readonly text: string
  readonly binds: unknown
  /** The session that it runs on. */
  readonly session: TestSession
}

/**
 * One session of the test database, as the server sees it.
 *
 * **When to use**
 *
 * It is what `database.sessions` lists, and what a connection's `session` is: assert on it what the pool asked for, and what it left behind.
 *
 * @category models
 * @since 0.1.0
 */
export interface TestSession {
  /** The number in the database, from 1. */
  readonly number: number
  readonly user: string
  readonly proxyUser: string | undefined
  readonly cclass: string | undefined
  readonly edition: string | undefined
  readonly purity: "default" | "new"
  readonly shardingKey: SessionRequest.ShardingKey | undefined
  readonly superShardingKey: SessionRequest.ShardingKey | undefined
  /** The instance that it is on. */
  readonly instance: string
  /** When, in milliseconds of the clock that the database was made under. */
  readonly openedAt: number
  /** State that outlives a lease, as NLS settings do in Oracle. */
  readonly state: Map<string, string>
  /** On whose behalf the holder works; the end of a lease takes it back. */
  readonly clientIdentifier: string | undefined
  readonly inTransaction: boolean
  readonly isAlive: boolean
  /** Whether a statement runs on it, or was interrupted and has not been stopped yet. */
  readonly isRunning: boolean
  readonly stmtCacheSize: number
}

/** The same, as the database changes it. */
export interface MutableSession extends TestSession {
  inTransaction: boolean
  isAlive: boolean
  clientIdentifier: string | undefined
  hasNotice: boolean
  isClosing: boolean
  isClosed: boolean
  stmtCacheSize: number
  /** What runs at the server. */
  running: string | undefined
  /** Stands for the one call that runs, so that the end of an earlier one is not taken for its end. */
  runner: object | undefined
  /** The text of the statement that runs, or ran last. */
  statement: string | undefined
  /** Statements of the connection that wait for the one that runs; each is a way to begin it. */
  readonly statements: Array<() => void>
  /** Ends the statement that runs, with a message. */
  stop: ((message: string) => void) | undefined
  /** The lease whose statement was broken off, until a round trip has shown that no break is on its way. */
  breakPending: Connection.Lease | undefined
  lease: Connection.Lease | undefined
}

/**
 * What a caller of the test database holds.
 *
 * **When to use**
 *
 * It is the connection of `TestDatabase.Pool`, and of any pool over `database.driver`. Code under test runs `execute` on it; `setState`, `begin` and
 * `setClientIdentifier` leave something behind that a test can look for.
 *
 * **Example** (A change that is not committed)
 *
 * ```ts
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * const change = Effect.flatMap(
 *   TestDatabase.Pool,
 *   (pool) => pool.use((connection) => Effect.andThen(connection.begin, connection.execute("update employees")))
 * )
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export class TestConnection extends Connection.Base {
  readonly session: TestSession
  readonly #perform: Perform

  constructor(lease: Connection.Lease, session: TestSession, perform: Perform) {
    super(lease)
    this.session = session
    this.#perform = perform
  }

  /** Runs a statement; what it comes to is the database's `answer`. */
  execute(
    text: string,
    binds?: unknown
  ): Effect.Effect<unknown, TestDatabaseError | PoolError.ConnectionReleasedError> {
    const { lease, session } = this
    return Effect.catch(lease.run(this.#perform(session, lease, { text, binds, session })), (error) =>
      // What the end of the lease has broken off fails as everything after it does.
      Effect.fail(
        lease.isReleased ? new PoolError.ConnectionReleasedError({ pool: lease.pool, session: lease.sessionId }) : error
      ))
  }

  /** Puts the session in a state that outlives the lease. */
  setState(name: string, value: string): Effect.Effect<void, TestDatabaseError | PoolError.ConnectionReleasedError> {
    return this.lease.run(Effect.sync(() => {
      this.session.state.set(name, value)
    }))
  }

  /** Says on whose behalf this lease works; the next one does not see it. */
  setClientIdentifier(
    value: string | undefined
  ): Effect.Effect<void, TestDatabaseError | PoolError.ConnectionReleasedError> {
    return this.lease.run(Effect.sync(() => {
      ;(this.session as MutableSession).clientIdentifier = value
    }))
  }

  /** Begins a transaction, as the first change does in Oracle. */
  readonly begin: Effect.Effect<void, PoolError.ConnectionReleasedError> = this.#transaction(true)

  /** Commits. */
  readonly commit: Effect.Effect<void, PoolError.ConnectionReleasedError> = this.#transaction(false)

  #transaction(inTransaction: boolean): Effect.Effect<void, PoolError.ConnectionReleasedError> {
    return Effect.suspend(() =>
      this.lease.run(Effect.sync(() => {
        ;(this.session as MutableSession).inTransaction = inTransaction
      }))
    )
  }
}

/** Runs a statement on a session. */
export type Perform = (
  session: TestSession,
  lease: Connection.Lease,
  statement: Statement
) => Effect.Effect<unknown, TestDatabaseError>

/**
 * How a test database is made.
 *
 * **Details**
 *
 * Without options every log-on is good, nothing takes time, there is one instance, and every statement fails.
 *
 * **Example** (An account, and log-ons that take 50 milliseconds)
 *
 * ```ts
 * import { TestDatabase } from "@sessionpool/testing"
 *
 * const database = TestDatabase.make({ accounts: { scott: "tiger" }, latency: { open: "50 millis" } })
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Users and their passwords. Without it every user and password is good. */
  readonly accounts?: Readonly<Record<string, string>> | undefined
  /** What statements answer. Without it every statement fails, and says so. */
  readonly answer?: ((statement: Statement) => Effect.Effect<unknown, TestDatabaseError>) | undefined
  /** The instances of the database; `["test"]` unless told. The listener puts a session on the one with the fewest. */
  readonly instances?: ReadonlyArray<string> | undefined
  /** How long each operation takes, until `behave` says otherwise; 0 unless told. */
  readonly latency?: Partial<Record<Operation, Duration.Input>> | undefined
}
