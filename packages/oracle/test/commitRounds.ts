/**
 * Transactions whose sessions end before, during and after their commits, by every means there is, against what the table holds
 * afterwards. A transaction that is said to have succeeded is there once; one that is said not to have happened is not there.
 */
import { type OracleConnection, OracleError } from "@sessionpool/oracle"
import { Fault } from "@sessionpool/oracle-server"
import { Cause, Effect, Exit, Predicate, Schedule } from "effect"
import { sidOf, watched } from "./watchedPool.ts"

/** The same numbers for the same seed. */
const random = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const ways = [
  "nothing",
  "cut before",
  "cut after",
  "reset before",
  "reset after",
  "kill before",
  "kill during",
  "cut the answer",
  "hang",
  "interrupt",
  "timeout"
] as const

/** What has come of the transactions. */
export interface CommitCounts {
  succeeded: number
  committedAfterLoss: number
  notCommitted: number
  unknown: number
  interrupted: number
  recovered: number
  /** No session could be had for it: it was never begun, or begun again. */
  notOpened: number
}

export const commitRounds = Effect.fnUntraced(function*(options: { readonly rounds: number; readonly seed: number }) {
  const below = random(options.seed)
  const { pool, server } = yield* watched(
    { max: 2, pingTimeout: "1 second", commitTimeout: "60 millis", pingInterval: 0 },
    { transactionGuard: true }
  )
  yield* pool.use((held) => held.execute("create table done (id number, round number)"))
  const counts: CommitCounts = {
    succeeded: 0,
    committedAfterLoss: 0,
    notCommitted: 0,
    unknown: 0,
    interrupted: 0,
    recovered: 0,
    notOpened: 0
  }
  const problems: Array<string> = []
  const kill = (sid: number) => Effect.ignore(server.kill(sid))
  const arm = (way: typeof ways[number], sid: number) => {
    switch (way) {
      case "nothing":
      case "interrupt":
        return way === "nothing"
          ? Effect.void
          : server.inject(Fault.delay({ on: "commit", milliseconds: below(20) }))
      case "cut before":
        return server.inject(Fault.disconnect({ on: "commit", when: "before" }))
      case "cut after":
        return server.inject(Fault.disconnect({ on: "commit", when: "after" }))
      case "reset before":
        return server.inject(Fault.disconnect({ on: "commit", when: "before", reset: true }))
      case "reset after":
        return server.inject(Fault.disconnect({ on: "commit", when: "after", reset: true }))
      case "kill before":
        return kill(sid)
      case "kill during":
        return Effect.andThen(
          server.inject(Fault.delay({ on: "commit", milliseconds: 10 })),
          Effect.forkChild(Effect.delay(kill(sid), `${below(20)} millis`))
        )
      case "cut the answer":
        return server.inject(Fault.truncate({ on: "commit", bytes: below(30), then: "reset" }))
      case "hang":
        return server.inject(Fault.hang({ on: "commit" }))
      case "timeout":
        return server.inject(Fault.delay({ on: "commit", milliseconds: 40 + below(60) }))
    }
  }
  for (let round = 1; round <= options.rounds; round++) {
    const way = ways[below(ways.length)]!
    const isRecovering = below(3) === 0
    let runs = 0
    const work = (held: OracleConnection.OracleConnection) =>
      held.withTransaction(Effect.gen(function*() {
        runs++
        yield* held.execute("insert into done values (:1, :2)", [runs, round])
        if (runs === 1) yield* arm(way, yield* sidOf(held))
      }))
    const once = pool.use(work)
    const retried = isRecovering
      ? Effect.retry(once, {
        schedule: Schedule.recurs(20),
        while: (error) => OracleError.isOracleError(error) && error.isRetryable
      })
      : once
    const done = Effect.as(retried, true)
    const whole = way === "interrupt"
      ? Effect.timeoutOrElse(done, { duration: `${5 + below(15)} millis`, orElse: () => Effect.succeed(false) })
      : done
    const exit = yield* Effect.exit(whole)
    yield* server.clearFaults
    const rows = yield* pool.use((held) => held.query("select id from done where round = :1", [round])).pipe(
      Effect.retry({ times: 20 })
    )
    const said = `round ${round}, ${way}${isRecovering ? ", recovering" : ""}: ${rows.length} rows after`
    if (Exit.isSuccess(exit)) {
      if (exit.value === false) {
        counts.interrupted++
        if (rows.length > 1) problems.push(`${said} an interruption`)
        continue
      }
      if (way === "nothing") counts.succeeded++
      else if (runs > 1) counts.recovered++
      else counts.committedAfterLoss++
      if (rows.length !== 1) problems.push(`${said} success`)
      continue
    }
    const error = Cause.squash(exit.cause)
    if (Predicate.isTagged(error, "OpenSessionError")) {
      counts.notOpened++
      if (rows.length !== 0) problems.push(`${said} no session was to be had`)
    } else if (OracleError.isOracleError(error) && error.isRetryable) {
      counts.notCommitted++
      if (rows.length !== 0) problems.push(`${said} "not committed"`)
    } else {
      counts.unknown++
      if (rows.length > 1) problems.push(`${said} an unknown outcome`)
      if (!OracleError.isOracleError(error)) problems.push(`${said} ${String(error)}`)
    }
  }
  return { problems, counts }
})
