/** The test database as a subject. Its driver is watched, so that the server can say what it is busy with. */
import { SessionPool } from "@sessionpool/core"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestDatabase from "../../TestDatabase.ts"
import { Faults, withFaults } from "./driverFaults.ts"
import type { Account, Bench, Refusal, Subject } from "./subject.ts"
import type { DriverFunction } from "./trouble.ts"

type Driver = TestDatabase.TestDatabase["driver"]

/** Changes a driver before the pool gets it: how a test breaks one. */
type Wrap = (driver: Driver) => Driver

const account: Account = { user: "app", password: "app-secret" }
const otherAccounts: ReadonlyArray<Account> = [
  { user: "ann", password: "ann-secret" },
  { user: "bob", password: "bob-secret" }
]

const instanceNames = ["ONE", "TWO"]

/** What is noted of a driver at work. */
interface Notes {
  /** How many of its effects run, by session. */
  readonly atWork: Map<number, number>
  readonly openedAt: Map<number, number>
  readonly refusals: Array<Refusal>
}

/** Notes what the driver does, by monotonic time: the system clock may be set in a script. */
const watched = (driver: Driver, clock: Clock.Clock, notes: Notes): Driver => {
  const { atWork, openedAt, refusals } = notes
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1000n) / 1000
  const accepted = new Set<string>()
  const known: Array<string> = []
  /** The same number for the same credentials. */
  const numberOf = (user: string, password: string): string => {
    const credentials = JSON.stringify([user, password])
    if (!known.includes(credentials)) known.push(credentials)
    return String(known.indexOf(credentials))
  }
  const during = <A, E>(session: TestDatabase.TestSession, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      atWork.set(session.number, (atWork.get(session.number) ?? 0) + 1)
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          atWork.set(session.number, atWork.get(session.number)! - 1)
        })
      )
    })
  return {
    ...driver,
    open: (request) =>
      Effect.suspend(() => {
        const begunAt = now()
        const { password, proxyUser, user = "" } = request
        const credentials = numberOf(user, password === undefined ? "" : Redacted.value(password))
        return driver.open(request).pipe(
          Effect.tap((session) =>
            Effect.sync(() => {
              openedAt.set(session.number, now())
              accepted.add(credentials)
            })
          ),
          Effect.tapCause((cause) =>
            Effect.sync(() => {
              const error = Cause.squash(cause)
              const isAuthentication = error instanceof TestDatabase.TestDatabaseError &&
                error.kind === "authentication"
              const wasAccepted = accepted.has(credentials)
              refusals.push({ at: now(), begunAt, user, proxyUser, isAuthentication, credentials, wasAccepted })
            })
          )
        )
      }),
    close: (session, options) => during(session, driver.close(session, options)),
    ping: (session) => during(session, driver.ping(session)),
    interrupt: (session) => during(session, driver.interrupt(session)),
    reset: (session, settings) => {
      const work = driver.reset(session, settings)
      return work === undefined ? undefined : during(session, work)
    }
  }
}

const isLateBreak = (violation: string): boolean => violation.includes(" break ")

const makeBench = (wrap: Wrap): Effect.Effect<Bench<TestDatabase.TestConnection>> =>
  Effect.gen(function*() {
    const clock = yield* Effect.clockWith(Effect.succeed)
    const announced = new Set<number>()
    const notes: Notes = { atWork: new Map(), openedAt: new Map(), refusals: [] }
    const accounts = Object.fromEntries([account, ...otherAccounts].map(({ password, user }) => [user, password]))
    const database = yield* TestDatabase.makeUnchecked({
      accounts,
      instances: instanceNames,
      answer: ({ text }) => Effect.succeed(text)
    })
    const faults = new Faults<DriverFunction>()
    // Defects come from outside the watch: a call that throws has not begun anything.
    const driver = withFaults(wrap(watched(database.driver, clock, notes)), faults)
    return {
      makePool: (settings) => SessionPool.make({ ...settings, driver }),
      server: {
        sessions: Effect.map(database.sessions, (sessions) =>
          sessions.map((session) => ({
            number: session.number,
            user: session.user,
            proxyUser: session.proxyUser,
            cclass: session.cclass,
            shardingKey: session.shardingKey,
            superShardingKey: session.superShardingKey,
            openedAt: notes.openedAt.get(session.number)!,
            isAlive: session.isAlive,
            instance: session.instance,
            hasNotice: announced.has(session.number),
            isAtWork: (notes.atWork.get(session.number) ?? 0) > 0,
            isRunning: session.isRunning
          }))),
        mostOpen: database.mostOpen,
        violations: Effect.map(database.violations, (all) => all.filter((violation) => !isLateBreak(violation))),
        lateBreaks: Effect.map(database.violations, (all) => all.filter(isLateBreak)),
        imbalances: Effect.match(database.balance, { onSuccess: () => [], onFailure: (error) => error.problems }),
        numberOf: (connection) => connection.session.number,
        kill: database.kill,
        killAll: database.killAll,
        refuseToOpen: database.refuseToOpen,
        heal: Effect.andThen(database.heal, Effect.sync(() => faults.heal())),
        execute: (connection) => connection.execute("select 1"),
        begin: (connection) => connection.begin,
        reportFatal: (session) => database.reportFatal(session, "told to"),
        announceShutdown: (session) =>
          Effect.andThen(database.announceShutdown(session), Effect.sync(() => announced.add(session))),
        instances: {
          names: instanceNames,
          set: (name, is) =>
            is === "up" ? database.startInstance(name) : Effect.gen(function*() {
              yield* database.stopInstance(name, is)
              if (is !== "announced") return
              for (const { instance, number } of yield* database.sessions) if (instance === name) announced.add(number)
            })
        },
        behave: (operation, behavior) => database.behave(operation, behavior),
        refusals: Effect.sync(() => [...notes.refusals]),
        sabotage: (name, how, times) => Effect.sync(() => faults.arm(name, how, times)),
        setPassword: database.setPassword,
        identify: (connection, name) => connection.setClientIdentifier(name),
        identities: (connection) => {
          const { clientIdentifier } = connection.session
          return Effect.succeed(clientIdentifier === undefined ? [] : [clientIdentifier])
        }
      }
    }
  })

/** The subject; `wrap` changes the driver. */
export const subject = (wrap: Wrap = (driver) => driver): Subject<TestDatabase.TestConnection> => ({
  name: "TestDatabase",
  time: "virtual",
  account,
  otherAccounts,
  hasShards: true,
  make: makeBench(wrap)
})
