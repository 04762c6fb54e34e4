/**
 * A process of a fleet that shares a budget, for `scripts/clusterBudget.ts`, which tells it how much work there is and hears what it has.
 *
 * Usage: node budgetProcess.ts <connect string> <user> <total> <interval> <expiry> <forget>, the password in BUDGET_PASSWORD. SIGTERM
 * ends it normally.
 */
import { OracleClient, OracleSessionPool, SessionBudget } from "@sessionpool/oracle"
import { Effect, Fiber, Layer, Redacted } from "effect"

/** What it says to its parent. */
export type Said =
  | { readonly _tag: "Joined" }
  | { readonly _tag: "Has"; readonly share: number; readonly open: number; readonly served: number }
  | { readonly _tag: "Failed"; readonly problem: string }

const [connectString = "", user = "", total = "", interval = "", expiry = "", forget = ""] = process.argv.slice(2)
const connect = { connectString, user, password: Redacted.make(process.env["BUDGET_PASSWORD"] ?? "") }
const most = 50

let want = 0
process.on("message", (message: { readonly want: number }) => {
  want = message.want
})
const say = (said: Said): void => void process.send?.(said)

const main = Effect.gen(function*() {
  const pool = yield* OracleSessionPool
  const budget = yield* SessionBudget.join(pool, {
    name: "fleet",
    total: Number(total),
    interval: Number(interval),
    expiry: Number(expiry),
    forget: Number(forget)
  })
  say({ _tag: "Joined" })
  let served = 0
  /** A caller that is there while there is work for so many. */
  const caller = (index: number) =>
    Effect.forever(Effect.suspend(() => {
      if (index >= want) return Effect.sleep("200 millis")
      return pool.use((connection) =>
        Effect.andThen(connection.query("select 1 from dual"), Effect.sleep("400 millis"))
      ).pipe(
        Effect.matchCause({
          onSuccess: () => {
            served++
          },
          onFailure: (cause) => say({ _tag: "Failed", problem: String(cause) })
        })
      )
    }))
  for (let index = 0; index < most; index++) yield* Effect.forkScoped(caller(index))
  while (true) {
    const { closing, opened, opening } = yield* pool.statistics
    say({ _tag: "Has", share: yield* budget.share, open: opened + opening + closing + 1, served })
    yield* Effect.sleep("100 millis")
  }
}).pipe(
  Effect.scoped,
  Effect.provide(Layer.mergeAll(
    OracleSessionPool.layer({ ...connect, name: "work", max: most, timeout: "1 second" }),
    OracleClient.layer({ ...connect, name: "reports", max: 1 })
  ))
)

const fiber = Effect.runFork(main)
fiber.addObserver((exit) => {
  if (exit._tag === "Failure" && !process.exitCode) say({ _tag: "Failed", problem: String(exit.cause) })
  process.disconnect?.()
})
process.once("SIGTERM", () => {
  process.exitCode = 143
  Effect.runFork(Fiber.interrupt(fiber))
})
