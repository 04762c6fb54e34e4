/** How a test database works: what each operation does, how long it takes, and what is written into the ledger. */
import type { SessionDriver } from "@sessionpool/core"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import { LedgerBook } from "./ledger.ts"
import { Listener } from "./listener.ts"
import type { TestDatabase } from "./switches.ts"
import {
  type Behavior,
  LedgerError,
  type MutableSession,
  type Operation,
  type Options,
  type Perform,
  TestConnection,
  TestDatabaseError,
  type TestSession
} from "./testSession.ts"

/** A session as it was opened. It stands apart from the opening, so that it does not keep the request with its password. */
const sessionOf = (
  request: SessionDriver.OpenRequest,
  number: number,
  instance: string,
  openedAt: number
): MutableSession => {
  return {
    number,
    user: request.user ?? "",
    proxyUser: request.proxyUser,
    cclass: request.cclass,
    edition: request.edition,
    purity: request.purity,
    // As they are now: a server knows what was sent to it.
    shardingKey: structuredClone(request.shardingKey),
    superShardingKey: structuredClone(request.superShardingKey),
    instance,
    openedAt,
    state: new Map(),
    clientIdentifier: undefined,
    inTransaction: false,
    isAlive: true,
    stmtCacheSize: request.stmtCacheSize,
    hasNotice: false,
    isClosing: false,
    isClosed: false,
    running: undefined,
    runner: undefined,
    statement: undefined,
    get isRunning() {
      return this.running === "execute"
    },
    statements: [],
    stop: undefined,
    breakPending: undefined,
    lease: undefined
  }
}

export const construct = (options: Options, clock: Clock.Clock): TestDatabase => {
  const now = () => clock.currentTimeMillisUnsafe()
  const book = new LedgerBook(now)
  const sessions = new Map<number, MutableSession>()
  const accounts = options.accounts === undefined ? undefined : new Map(Object.entries(options.accounts))
  const refused = new Map<string, number>()
  const behaviors = new Map<Operation, { latency: Duration.Input; outcome: Behavior["outcome"]; times: number }>()
  for (const [operation, latency] of Object.entries(options.latency ?? {})) {
    behaviors.set(operation as Operation, { latency, outcome: "succeed", times: Infinity })
  }
  let lastNumber = 0
  const listener = new Listener(options.instances ?? ["test"])

  const connectionFailure = (message: string) => new TestDatabaseError({ kind: "connection", message })

  /** Takes as long as the operation is told to, and comes to what it is told to. */
  const behave = (operation: Operation): Effect.Effect<void, TestDatabaseError> =>
    Effect.suspend(() => {
      const behavior = behaviors.get(operation)
      if (behavior === undefined) return Effect.void
      const outcome = behavior.times > 0 ? behavior.outcome : "succeed"
      if (outcome !== "succeed") behavior.times--
      const end = outcome === "hang"
        ? Effect.never
        : outcome === "fail"
        ? Effect.fail(connectionFailure(`the database was told to fail "${operation}"`))
        : Effect.void
      return Duration.toMillis(Duration.fromInputUnsafe(behavior.latency)) > 0
        ? Effect.andThen(Effect.sleep(behavior.latency), end)
        : end
    })

  const mutable = (session: TestSession): MutableSession => sessions.get(session.number) ?? session as MutableSession

  /** Nothing runs on the session any more: the next statement of its connection begins. */
  const quiet = (session: MutableSession) => {
    session.running = undefined
    session.runner = undefined
    session.statements.shift()?.()
  }

  /** Waits until the statement before has ended: as drivers do, a connection sends one at a time. */
  const nextTurn = (session: MutableSession): Effect.Effect<void> =>
    Effect.callback<void>((resume) => {
      const begin = () => resume(Effect.void)
      session.statements.push(begin)
      return Effect.sync(() => {
        const place = session.statements.indexOf(begin)
        if (place >= 0) session.statements.splice(place, 1)
        // It was told to begin and is gone: the next one may.
        else if (session.running === undefined) session.statements.shift()?.()
      })
    })

  /** Runs one operation on a session, and checks that it is the only one. */
  const alone = <A>(
    session: MutableSession,
    operation: Operation,
    effect: Effect.Effect<A, TestDatabaseError>,
    /** Why it must not begin, now that it is its turn. */
    refusal: () => TestDatabaseError | undefined = () => undefined
  ): Effect.Effect<A, TestDatabaseError> =>
    Effect.suspend(() => {
      const runner = {}
      const guarded: Effect.Effect<A, TestDatabaseError> = Effect.suspend(() => {
        if (operation === "execute" && session.running === "execute") return Effect.andThen(nextTurn(session), guarded)
        const refused = refusal()
        if (refused !== undefined) {
          session.statements.shift()?.()
          return Effect.fail(refused)
        }
        if (session.running !== undefined) {
          book.violate(`"${operation}" began on session ${session.number} while "${session.running}" was running`)
        }
        session.running = operation
        session.runner = runner
        if (session.isClosed) book.violate(`"${operation}" was asked of session ${session.number}, which is closed`)
        else if (session.isClosing) {
          book.violate(`"${operation}" was asked of session ${session.number}, which is being closed`)
        }
        return effect
      })
      return Effect.onExit(guarded, (exit) =>
        Effect.sync(() => {
          // A statement that was broken off still runs at the server until `interrupt` has stopped it; by then another may run.
          if (
            session.runner === runner && (operation !== "execute" || Exit.isSuccess(exit) || !Exit.hasInterrupts(exit))
          ) quiet(session)
        }))
    })

  /** A statement, and the answer that it gets when a break or the end of its session stops it. */
  const stoppable = <A>(
    session: MutableSession,
    work: Effect.Effect<A, TestDatabaseError>
  ): Effect.Effect<A, TestDatabaseError> =>
    Effect.suspend(() => {
      const stopped = Deferred.makeUnsafe<never, TestDatabaseError>()
      session.stop = (message) => {
        Deferred.doneUnsafe(stopped, Effect.fail(new TestDatabaseError({ kind: "statement", message })))
      }
      return Effect.raceFirst(work, Deferred.await(stopped))
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
        Effect.andThen(Effect.suspend(() => {
          const instance = listener.place(sessions.values())
          return instance === undefined
            ? Effect.fail(connectionFailure("no instance of the database is up"))
            : Effect.succeed(instance)
        })),
        Effect.tapCause((cause) =>
          Effect.sync(() => {
            if (Cause.hasInterrupts(cause)) book.write("openAbandoned", 0, who)
            else book.write("openFailed", 0, who, String(Cause.squash(cause)))
          })
        ),
        Effect.map((instance) => {
          const session = sessionOf(request, ++lastNumber, instance, now())
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
    session.stop?.(`session ${session.number} was closed`)
    session.running = undefined
    session.runner = undefined
    for (const begin of session.statements.splice(0)) begin()
    sessions.delete(session.number)
    book.write("closed", session.number, session.user)
  }

  const round = (session: MutableSession, operation: "ping" | "reset", event: "pinged" | "reset") =>
    alone(session, operation, Effect.andThen(behave(operation), Effect.suspend(() => alive(session)))).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          if (operation === "ping") session.breakPending = undefined
          if (Exit.isSuccess(exit)) book.write(event, session.number, session.user)
          else book.write(event, session.number, session.user, "failed")
        })
      )
    )

  const gaveUp = ({ number }: MutableSession) =>
    new TestDatabaseError({ kind: "statement", message: `the lease of session ${number} has ended` })

  const alive = (session: MutableSession): Effect.Effect<void, TestDatabaseError> =>
    session.isAlive ? Effect.void : Effect.fail(connectionFailure(`session ${session.number} is dead`))

  const perform: Perform = (given, lease, statement) =>
    Effect.suspend(() => {
      const session = mutable(given)
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
      return alone(session, "execute", stoppable(session, work), () => {
        // It waited for another statement, and the lease has ended in the meantime: drivers do not send it any more.
        if (lease.isReleased) return gaveUp(session)
        // What a lease has broken off itself is its own; the driver must not let it reach another.
        if (session.breakPending !== undefined && session.breakPending !== lease) {
          book.violate(`a late break hit a statement on session ${session.number}`)
        }
        session.statement = statement.text
        return undefined
      })
    })

  const driver: TestDatabase["driver"] = {
    open,
    close: (given, { force }) =>
      Effect.suspend(() => {
        const session = mutable(given)
        session.isClosing = true
        // A forced close cuts the line, which no server can delay.
        const polite = force ? Effect.void : Effect.andThen(behave("close"), Effect.suspend(() => alive(session)))
        return Effect.tap(polite, () => Effect.sync(() => gone(session)))
      }),
    ping: (given) => Effect.suspend(() => round(mutable(given), "ping", "pinged")),
    reset: (given, settings) => {
      const session = mutable(given)
      session.lease = undefined
      session.clientIdentifier = undefined
      session.stmtCacheSize = settings.stmtCacheSize
      if (!session.inTransaction && behaviors.get("reset") === undefined) return undefined
      return Effect.tap(round(session, "reset", "reset"), () =>
        Effect.sync(() => {
          session.inTransaction = false
        }))
    },
    interrupt: (given) =>
      Effect.suspend(() => {
        const session = mutable(given)
        const { lease } = session
        return Effect.tap(Effect.andThen(behave("interrupt"), Effect.suspend(() => alive(session))), () =>
          Effect.sync(() => {
            if (session.lease !== lease && session.lease?.isReleased === false) {
              book.violate(`a break that was begun for one lease of session ${session.number} reached the next`)
            }
            const { runner, stop } = session
            session.stop = undefined
            // From here on the break may still be on its way, until a round trip has shown that it is not.
            session.breakPending = lease
            stop?.(`the statement on session ${session.number} was broken off`)
            // The statement may have ended in that very moment, and the next one of its connection have begun.
            if (session.runner === runner) {
              quiet(session)
            }
            book.write("interrupted", session.number, session.user)
          }))
      }),
    isHealthy: (given) => !mutable(given).hasNotice,
    hasNotice: (given) => mutable(given).hasNotice,
    hasOpenWork: (session) => session.inTransaction,
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
    describe: (given) => {
      const { instance, number, running, statement } = mutable(given)
      return { instance, sid: number, serial: 1, statement: running === "execute" ? statement : undefined }
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
    behave: (operation, behavior) =>
      Effect.sync(() => {
        behaviors.set(operation, {
          latency: behavior.latency ?? behaviors.get(operation)?.latency ?? 0,
          outcome: behavior.outcome ?? "succeed",
          times: behavior.times ?? Infinity
        })
      }),
    heal: Effect.sync(() => {
      for (const behavior of behaviors.values()) behavior.outcome = "succeed"
    }),
    refuseToOpen: (times = Infinity) =>
      Effect.sync(() => {
        behaviors.set("open", { latency: behaviors.get("open")?.latency ?? 0, outcome: "fail", times })
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
    stopInstance: (instance, how) =>
      Effect.sync(() => {
        listener.setUp(instance, false)
        for (const session of sessions.values()) {
          if (session.instance !== instance) continue
          if (how === "abort") kill(session)
          else if (how === "announced") session.hasNotice = true
        }
      }),
    startInstance: (instance) => Effect.sync(() => listener.setUp(instance, true)),
    placeOn: (instance) => Effect.sync(() => listener.placeOn(instance)),
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
