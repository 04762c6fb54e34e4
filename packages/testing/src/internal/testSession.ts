/** The sessions of a test database, the connections to them, and how it can be told to behave. */
import { Connection, type PoolError, type SessionRequest } from "@sessionpool/core"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * A failure of the test database.
 *
 * **Details**
 *
 * `kind` is `"authentication"` for refused credentials, `"connection"` for a session that cannot be opened or is dead,
 * `"statement"` for anything else.
 */
export class TestDatabaseError
  extends Schema.TaggedError<TestDatabaseError>("@sessionpool/testing/TestDatabaseError")("TestDatabaseError", {
    kind: Schema.Literals(["authentication", "connection", "statement"]),
    message: Schema.String
  })
{}

/** The ledger does not balance: a session was left open, closed twice, lent twice, or used by two at once. */
export class LedgerError extends Schema.TaggedError<LedgerError>("@sessionpool/testing/LedgerError")("LedgerError", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return `The ledger of the test database does not balance:\n${this.problems.map((line) => `- ${line}`).join("\n")}`
  }
}

/** What a session can be asked to do. */
export type Operation = "open" | "ping" | "reset" | "interrupt" | "close" | "execute"

/** How an operation behaves from now on. */
export interface Behaviour {
  /** How long it takes; 0 unless told. */
  readonly latency?: Duration.Input
  /** What it comes to; `"succeed"` unless told. */
  readonly outcome?: "succeed" | "fail" | "hang"
  /** For how many times; from then on it succeeds again, as slowly as before. */
  readonly times?: number
}

/** A statement as the database's `answer` gets it. */
export interface Statement {
  readonly text: string
  readonly binds: unknown
  /** The session that it runs on. */
  readonly session: TestSession
}

/** One session of the test database, as the server sees it. */
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
  readonly openedAt: number
  /** State that outlives a lease, as NLS settings do in Oracle. */
  readonly state: Map<string, string>
  readonly inTransaction: boolean
  readonly isAlive: boolean
  readonly stmtCacheSize: number
}

/** The same, as the database changes it. */
export interface MutableSession extends TestSession {
  inTransaction: boolean
  isAlive: boolean
  hasNotice: boolean
  isClosed: boolean
  stmtCacheSize: number
  running: string | undefined
  breakPending: boolean
  lease: Connection.Lease | undefined
}

/** What a caller of the test database holds. */
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
    return this.lease.run(this.#perform(this.session, this.lease, { text, binds, session: this.session }))
  }

  /** Puts the session in a state that outlives the lease. */
  setState(name: string, value: string): Effect.Effect<void, TestDatabaseError | PoolError.ConnectionReleasedError> {
    return this.lease.run(Effect.sync(() => {
      this.session.state.set(name, value)
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

/** How a test database is made. */
export interface Options {
  /** Users and their passwords. Without it every user and password is good. */
  readonly accounts?: Readonly<Record<string, string>> | undefined
  /** What statements answer. Without it every statement fails, and says so. */
  readonly answer?: ((statement: Statement) => Effect.Effect<unknown, TestDatabaseError>) | undefined
  /** How long each operation takes at first. */
  readonly latency?: Partial<Record<Operation, Duration.Input>> | undefined
}
