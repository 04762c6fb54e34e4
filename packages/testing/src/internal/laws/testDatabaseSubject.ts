/** The test database as a subject. Its driver is watched, so that the server can say what it is busy with. */
import { SessionPool } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as TestDatabase from "../../TestDatabase.ts"
import type { Account, Bench, Refusal, Subject } from "./subject.ts"

type Driver = TestDatabase.TestDatabase["driver"]

/** Changes a driver before the pool gets it: how a test breaks one. */
export type Wrap = (driver: Driver) => Driver

/** A pool to be made in place of ours. */
export type MakePool = typeof SessionPool.make<
  TestDatabase.TestSession,
  TestDatabase.TestConnection,
  TestDatabase.TestDatabaseError,
  never,
  never
>

const account: Account = { user: "app", password: "app-secret" }
const otherAccounts: ReadonlyArray<Account> = [
  { user: "ann", password: "ann-secret" },
  { user: "bob", password: "bob-secret" }
]

/** Notes which sessions the driver is at work on. */
const watched = (driver: Driver, atWork: Map<number, number>): Driver => {
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
    close: (session, options) => during(session, driver.close(session, options)),
    ping: (session) => during(session, driver.ping(session)),
    interrupt: (session) => during(session, driver.interrupt(session)),
    reset: (session, settings) => {
      const work = driver.reset(session, settings)
      return work === undefined ? undefined : during(session, work)
    }
  }
}

const makeBench = (wrap: Wrap): Effect.Effect<Bench<TestDatabase.TestConnection>> =>
  Effect.gen(function*() {
    const notices = new Set<number>()
    const atWork = new Map<number, number>()
    const accounts = Object.fromEntries([account, ...otherAccounts].map(({ password, user }) => [user, password]))
    const database = yield* TestDatabase.makeUnchecked({ accounts, answer: ({ text }) => Effect.succeed(text) })
    const driver = wrap(watched(database.driver, atWork))
    const refusals = Effect.map(database.ledger, (entries) =>
      entries.filter((entry) =>
        entry.event === "openFailed" || entry.event === "openAbandoned"
      ).map((entry): Refusal => {
        const [user = "", proxyUser] = entry.who.split(/[[\]]/)
        const isAuthentication = entry.failure?.includes("invalid user name or password") === true
        return { at: entry.at, user, proxyUser, isAuthentication }
      }))
    return {
      makePool: (settings) =>
        SessionPool.make({ ...settings, driver }),
      server: {
        sessions: Effect.map(database.sessions, (sessions) =>
          sessions.map((session) => ({
            number: session.number,
            user: session.user,
            proxyUser: session.proxyUser,
            cclass: session.cclass,
            shardingKey: session.shardingKey,
            superShardingKey: session.superShardingKey,
            openedAt: session.openedAt,
            isAlive: session.isAlive,
            hasNotice: notices.has(session.number),
            isAtWork: (atWork.get(session.number) ?? 0) > 0
          }))),
        mostOpen: database.mostOpen,
        violations: database.violations,
        imbalances: Effect.match(database.balance, {
          onSuccess: () => [],
          onFailure: (error) =>
            error.problems
        }),
        numberOf: (connection) => connection.session.number,
        kill: database.kill,
        killAll: database.killAll,
        refuseToOpen: database.refuseToOpen,
        heal: database.heal,
        execute: (connection) => connection.execute("select 1"),
        begin: (connection) => connection.begin,
        reportFatal: (session) => database.reportFatal(session, "told to"),
        announceShutdown: (session) =>
          Effect.andThen(database.announceShutdown(session), Effect.sync(() => notices.add(session))),
        behave: (operation, behaviour) => database.behave(operation, behaviour),
        refusals
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
