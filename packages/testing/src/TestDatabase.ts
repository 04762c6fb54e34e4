/**
 * A database in memory, with its session driver, driven wholly by the clock.
 *
 * It opens, pings, resets and closes sessions as a pool asks for, takes as long over it as it is told, fails when it is told
 * to, and keeps a ledger. Under `TestClock` every run is the same. Use it to test a pool's settings, your own code on a pool,
 * or a pool itself.
 */
import { Connection, type PoolError, type SessionDriver, SessionPool, type SessionRequest } from "@sessionpool/core"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { LedgerBook, type LedgerEntry } from "./internal/ledger.ts"

export type { LedgerEntry } from "./internal/ledger.ts"

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

interface MutableSession extends TestSession {
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
  execute(text: string, binds?: unknown): Effect.Effect<unknown, TestDatabaseError | ConnectionReleased> {
    return this.lease.run(this.#perform(this.session, this.lease, { text, binds, session: this.session }))
  }

  /** Puts the session in a state that outlives the lease. */
  setState(name: string, value: string): Effect.Effect<void, TestDatabaseError | ConnectionReleased> {
    return this.lease.run(Effect.sync(() => {
      this.session.state.set(name, value)
    }))
  }

  /** Begins a transaction, as the first change does in Oracle. */
  readonly begin: Effect.Effect<void, ConnectionReleased> = this.#transaction(true)

  /** Commits. */
  readonly commit: Effect.Effect<void, ConnectionReleased> = this.#transaction(false)

  #transaction(inTransaction: boolean): Effect.Effect<void, ConnectionReleased> {
    return Effect.suspend(() =>
      this.lease.run(Effect.sync(() => {
        ;(this.session as MutableSession).inTransaction = inTransaction
      }))
    )
  }
}

type ConnectionReleased = PoolError.ConnectionReleasedError

type Perform = (
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

/**
 * A test database: its driver, the switches that hurt it, and its ledger.
 *
 * **Details**
 *
 * Every switch works at any moment, also while operations are under way: an operation looks at its behaviour when it begins,
 * and again whether its session is alive when it ends.
 */
export interface TestDatabase {
  readonly driver: SessionDriver.SessionDriver<TestSession, TestConnection, TestDatabaseError>
  /** Says how an operation behaves from now on. */
  readonly behave: (operation: Operation, behaviour: Behaviour) => Effect.Effect<void>
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

/** The service of a test database. */
export class Database extends Context.Service<Database, TestDatabase>()("@sessionpool/testing/TestDatabase") {}

/**
 * Makes a test database. When the scope closes, the test fails unless the ledger balances: make the pool in the same scope
 * after it, or in an inner one.
 *
 * @example
 * ```ts
 * import { SessionPool } from "@sessionpool/core"
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * const test = Effect.gen(function*() {
 *   const database = yield* TestDatabase.make({ answer: ({ text }) => Effect.succeed(text.toUpperCase()) })
 *   const pool = yield* SessionPool.make({ driver: database.driver, user: "scott", max: 2 })
 *   return yield* pool.use((connection) => connection.execute("hello"))
 * }).pipe(Effect.scoped)
 * ```
 */
export const make = (options: Options = {}): Effect.Effect<TestDatabase, never, Scope.Scope> =>
  Effect.flatMap(
    makeUnchecked(options),
    (database) => Effect.as(Effect.addFinalizer(() => Effect.orDie(database.balance)), database)
  )

/**
 * Makes a test database whose ledger nobody checks; look at `balance` yourself.
 *
 * @example
 * ```ts
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * const isBalanced = Effect.flatMap(TestDatabase.makeUnchecked(), (database) => database.balance)
 * ```
 */
export const makeUnchecked = (options: Options = {}): Effect.Effect<TestDatabase> =>
  Effect.map(Clock.clockWith(Effect.succeed), (clock) => construct(options, clock))

const construct = (options: Options, clock: Clock.Clock): TestDatabase => {
  const now = () => clock.currentTimeMillisUnsafe()
  const book = new LedgerBook(now)
  const sessions = new Map<number, MutableSession>()
  const accounts = options.accounts === undefined ? undefined : new Map(Object.entries(options.accounts))
  const refused = new Map<string, number>()
  const behaviours = new Map<Operation, { latency: Duration.Input; outcome: Behaviour["outcome"]; times: number }>()
  for (const [operation, latency] of Object.entries(options.latency ?? {})) {
    behaviours.set(operation as Operation, { latency, outcome: "succeed", times: Infinity })
  }
  let lastNumber = 0

  const connectionFailure = (message: string) => new TestDatabaseError({ kind: "connection", message })

  /** Takes as long as the operation is told to, and comes to what it is told to. */
  const behave = (operation: Operation): Effect.Effect<void, TestDatabaseError> =>
    Effect.suspend(() => {
      const behaviour = behaviours.get(operation)
      if (behaviour === undefined) return Effect.void
      const outcome = behaviour.times > 0 ? behaviour.outcome : "succeed"
      if (outcome !== "succeed") behaviour.times--
      const end = outcome === "hang"
        ? Effect.never
        : outcome === "fail"
        ? Effect.fail(connectionFailure(`the database was told to fail "${operation}"`))
        : Effect.void
      return Duration.toMillis(Duration.fromInputUnsafe(behaviour.latency)) > 0
        ? Effect.andThen(Effect.sleep(behaviour.latency), end)
        : end
    })

  const mutable = (session: TestSession): MutableSession => sessions.get(session.number) ?? session as MutableSession

  /** Runs one operation on a session, and sees that it is the only one. */
  const alone = <A>(
    session: MutableSession,
    operation: Operation,
    effect: Effect.Effect<A, TestDatabaseError>
  ): Effect.Effect<A, TestDatabaseError> =>
    Effect.suspend(() => {
      let isMine = false
      const guarded = Effect.suspend(() => {
        if (session.running !== undefined) {
          book.violate(`"${operation}" began on session ${session.number} while "${session.running}" was running`)
        }
        isMine = true
        session.running = operation
        if (session.isClosed) book.violate(`"${operation}" was asked of session ${session.number}, which is closed`)
        return effect
      })
      return Effect.onExit(guarded, (exit) =>
        Effect.sync(() => {
          // A statement that was broken off still runs at the server until `interrupt` has stopped it.
          if (isMine && (operation !== "execute" || Exit.isSuccess(exit) || !Exit.hasInterrupts(exit))) {
            session.running = undefined
          }
        }))
    })

  const authenticate = (request: SessionDriver.OpenRequest): Effect.Effect<void, TestDatabaseError> =>
    Effect.suspend(() => {
      const user = request.user ?? ""
      const password = request.password === undefined ? undefined : Redacted.value(request.password)
      if (accounts === undefined || (accounts.get(user) !== undefined && accounts.get(user) === password)) {
        return Effect.void
      }
      refused.set(user, (refused.get(user) ?? 0) + 1)
      const message = accounts.has(user) && accounts.get(user) === undefined
        ? `the account "${user}" is locked`
        : `invalid user name or password for "${user}"`
      return Effect.fail(new TestDatabaseError({ kind: "authentication", message }))
    })

  const open = (request: SessionDriver.OpenRequest): Effect.Effect<TestSession, TestDatabaseError> =>
    Effect.suspend(() => {
      const who = request.proxyUser === undefined ? request.user ?? "" : `${request.user ?? ""}[${request.proxyUser}]`
      book.write("openRequested", 0, who)
      // Only the waiting may be cut short: from the moment the session is there, it is the caller's.
      return Effect.interruptible(Effect.andThen(behave("open"), authenticate(request))).pipe(
        Effect.tapCause((cause) =>
          Effect.sync(() => {
            if (Cause.hasInterrupts(cause)) book.write("openAbandoned", 0, who)
            else book.write("openFailed", 0, who, String(Cause.squash(cause)))
          })
        ),
        Effect.map(() => {
          const session: MutableSession = {
            number: ++lastNumber,
            user: request.user ?? "",
            proxyUser: request.proxyUser,
            cclass: request.cclass,
            edition: request.edition,
            purity: request.purity,
            shardingKey: request.shardingKey,
            superShardingKey: request.superShardingKey,
            openedAt: now(),
            state: new Map(),
            inTransaction: false,
            isAlive: true,
            stmtCacheSize: request.stmtCacheSize,
            hasNotice: false,
            isClosed: false,
            running: undefined,
            breakPending: false,
            lease: undefined
          }
          sessions.set(session.number, session)
          book.write("opened", session.number, who)
          return session
        })
      )
    })

  const gone = (session: MutableSession) => {
    if (session.isClosed) {
      book.violate(`session ${session.number} was closed twice`)
      return
    }
    session.isClosed = true
    sessions.delete(session.number)
    book.write("closed", session.number, session.user)
  }

  const round = (session: MutableSession, operation: "ping" | "reset", event: "pinged" | "reset") =>
    alone(session, operation, Effect.andThen(behave(operation), Effect.suspend(() => alive(session)))).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          if (operation === "ping") session.breakPending = false
          if (Exit.isSuccess(exit)) book.write(event, session.number, session.user)
          else book.write(event, session.number, session.user, "failed")
        })
      )
    )

  const alive = (session: MutableSession): Effect.Effect<void, TestDatabaseError> =>
    session.isAlive ? Effect.void : Effect.fail(connectionFailure(`session ${session.number} is dead`))

  const perform: Perform = (given, lease, statement) =>
    Effect.suspend(() => {
      const session = mutable(given)
      if (session.breakPending) book.violate(`a late break hit a statement on session ${session.number}`)
      const work = Effect.andThen(behave("execute"), Effect.suspend(() => alive(session))).pipe(
        Effect.andThen(Effect.suspend(() =>
          options.answer === undefined
            ? Effect.fail(
              new TestDatabaseError({
                kind: "statement",
                message: `no answer is given for "${statement.text}": make the test database with an answer`
              })
            )
            : options.answer(statement)
        )),
        Effect.tap(() =>
          Effect.suspend(() => {
            book.write("executed", session.number, session.user)
            return alive(session)
          })
        ),
        Effect.tapError((error) =>
          Effect.sync(() => {
            if (!session.isAlive) lease.reportFatal(error)
          })
        )
      )
      return alone(session, "execute", work)
    })

  const driver: TestDatabase["driver"] = {
    open,
    close: (given, { force }) =>
      Effect.suspend(() => {
        const session = mutable(given)
        // A forced close cuts the line, which no server can delay.
        const polite = force ? Effect.void : Effect.andThen(behave("close"), Effect.suspend(() => alive(session)))
        return Effect.tap(polite, () => Effect.sync(() => gone(session)))
      }),
    ping: (given) => Effect.suspend(() => round(mutable(given), "ping", "pinged")),
    reset: (given, settings) => {
      const session = mutable(given)
      session.lease = undefined
      session.stmtCacheSize = settings.stmtCacheSize
      if (!session.inTransaction && behaviours.get("reset") === undefined) return undefined
      return Effect.tap(round(session, "reset", "reset"), () =>
        Effect.sync(() => {
          session.inTransaction = false
        }))
    },
    interrupt: (given) =>
      Effect.suspend(() => {
        const session = mutable(given)
        return Effect.tap(Effect.andThen(behave("interrupt"), Effect.suspend(() => alive(session))), () =>
          Effect.sync(() => {
            session.running = undefined
            // From here on the break may still be on its way, until a round trip has shown that it is not.
            session.breakPending = true
            book.write("interrupted", session.number, session.user)
          }))
      }),
    isHealthy: (given) => !mutable(given).hasNotice,
    isAuthenticationFailure: (error) => error.kind === "authentication",
    lease: (given, lease) => {
      const session = mutable(given)
      if (session.lease !== undefined && !session.lease.isReleased) {
        book.violate(`session ${session.number} was lent to a second holder`)
      }
      if (session.isClosed) book.violate(`session ${session.number} was lent after it was closed`)
      session.lease = lease
      book.write("lent", session.number, String(lease.sessionId))
      return new TestConnection(lease, session, perform)
    },
    attributes: (session) => ({ "db.system.name": "test", "session.number": session.number })
  }

  const withSession = (number: number, f: (session: MutableSession) => void): Effect.Effect<boolean> =>
    Effect.sync(() => {
      const session = sessions.get(number)
      if (session === undefined) return false
      f(session)
      return true
    })

  const kill = (session: MutableSession) => {
    if (!session.isAlive) return
    session.isAlive = false
    book.write("killed", session.number, session.user)
  }

  return {
    driver,
    behave: (operation, behaviour) =>
      Effect.sync(() => {
        behaviours.set(operation, {
          latency: behaviour.latency ?? behaviours.get(operation)?.latency ?? 0,
          outcome: behaviour.outcome ?? "succeed",
          times: behaviour.times ?? Infinity
        })
      }),
    heal: Effect.sync(() => {
      for (const behaviour of behaviours.values()) behaviour.outcome = "succeed"
    }),
    refuseToOpen: (times = Infinity) =>
      Effect.sync(() => {
        behaviours.set("open", { latency: behaviours.get("open")?.latency ?? 0, outcome: "fail", times })
      }),
    setPassword: (user, password) =>
      Effect.sync(() => {
        if (accounts === undefined) throw new Error("the test database was made without accounts")
        accounts.set(user, password!)
      }),
    kill: (number) => withSession(number, kill),
    killAll: Effect.sync(() => {
      const alive = [...sessions.values()].filter((session) => session.isAlive)
      for (const session of alive) kill(session)
      return alive.length
    }),
    announceShutdown: (number) =>
      withSession(number, (session) => {
        session.hasNotice = true
      }),
    reportFatal: (number, cause) => withSession(number, (session) => session.lease?.reportFatal(cause)),
    sessions: Effect.sync(() => [...sessions.values()]),
    refusedLogins: Effect.sync(() => new Map(refused)),
    ledger: Effect.sync(() => [...book.entries]),
    count: (event) => Effect.sync(() => book.count(event)),
    mostOpen: Effect.sync(() => book.mostOpen),
    balance: Effect.suspend(() => {
      const problems = book.imbalances()
      return problems.length === 0 ? Effect.void : Effect.fail(new LedgerError({ problems }))
    }),
    violations: Effect.sync(() => [...book.violations])
  }
}

/** The tag of a pool over a test database. */
export class Pool extends SessionPool.Service<Pool, TestConnection>()("@sessionpool/testing/TestDatabase/Pool") {}

/** How the layer of a pool without a database is made: the pool's settings, and the database's options. */
export type LayerOptions =
  & Omit<SessionPool.MakeOptions<TestSession, TestConnection, TestDatabaseError, never, never>, "driver">
  & { readonly database?: Options | undefined }

/**
 * A pool without a database, for tests of an application: provides {@link Pool} and, to hurt it, {@link Database}.
 *
 * **Details**
 *
 * The pool's user defaults to `"test"`. When the layer's scope closes, the test fails unless the ledger balances.
 *
 * @example
 * ```ts
 * import { TestDatabase } from "@sessionpool/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const pool = yield* TestDatabase.Pool
 *   return yield* pool.use((connection) => connection.execute("select count(*) from employees"))
 * })
 *
 * const tested = Effect.provide(
 *   program,
 *   TestDatabase.layer({ max: 2, database: { answer: () => Effect.succeed(107) } })
 * )
 * ```
 */
export const layer = (
  options: LayerOptions = {}
): Layer.Layer<Pool | Database, Effect.Error<ReturnType<typeof SessionPool.make>>> => {
  const { database, ...settings } = options
  const credentials = settings.user === undefined && settings.credentials === undefined ? { user: "test" } : {}
  return Layer.effect(
    Pool,
    Effect.flatMap(
      Database,
      ({ driver }) => SessionPool.make({ ...credentials, ...settings, driver })
    )
  ).pipe(Layer.provideMerge(Layer.effect(Database, make(database))))
}
