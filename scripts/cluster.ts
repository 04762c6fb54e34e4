/**
 * The durable stores for long: many messages for several claimers, then a cluster of three runners in three processes, which are killed
 * and started again while payments and workflows are under way, all of them at once in the end. It fails when a message is lost or done
 * twice.
 *
 * Usage: npm run cluster [-- --messages 100000 --claimers 6 --payments 400 --orders 30 --locks session|lease --seed 7]
 */
import { Clock, Duration, Effect, Layer } from "effect"
import { parseArgs } from "node:util"
import { claimAll } from "../packages/oracle/test/clusterClaims.ts"
import { openCluster } from "../packages/oracle/test/clusterProcesses.ts"
import { Account, Order } from "../packages/oracle/test/clusterRunner.ts"
import { embedded } from "../packages/oracle/test/database.ts"

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "100000" },
    claimers: { type: "string", default: "6" },
    payments: { type: "string", default: "400" },
    orders: { type: "string", default: "30" },
    locks: { type: "string", default: "session" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) }
  }
})
const count = (name: "messages" | "claimers" | "payments" | "orders" | "seed") => Number(values[name])
const locks = values.locks === "lease" ? "lease" : "session"

const problems: Array<string> = []
const check = (holds: boolean, problem: string) => {
  if (!holds) problems.push(problem)
}

/** Random numbers that a seed gives again. */
const random = (() => {
  let state = count("seed") >>> 0
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(state / 4_294_967_296 * below)
  }
})()

const seconds = (duration: Duration.Duration) => (Duration.toMillis(duration) / 1000).toFixed(1)

const claims = Effect.gen(function*() {
  const messages = count("messages")
  const { server, ...database } = yield* embedded()
  const trips = Effect.map(server.counters, ({ roundTrips }) => roundTrips)
  const before = yield* trips
  let saved = 0
  const found = yield* claimAll(
    database,
    { messages, claimers: count("claimers"), prefix: "claims" },
    Effect.map(trips, (now) => void (saved = now))
  )
  const after = yield* trips
  const twice = [...found.handedOut.values()].filter((times) => times !== 1).length
  check(
    found.handedOut.size === messages,
    `${messages - found.handedOut.size} of ${messages} messages were never handed out`
  )
  check(twice === 0, `${twice} messages were handed out more than once`)
  check(found.unanswered === 0, `${found.unanswered} messages have no answer`)
  console.log(
    `${messages} messages, ${values.claimers} claimers: saved in ${seconds(found.savedIn)} s `
      + `(${((saved - before) / messages).toFixed(2)} round trips each), claimed and answered in ${
        seconds(found.claimedIn)
      } s `
      + `(${((after - saved) / messages).toFixed(2)} round trips each), ${found.handedOut.size - twice} exactly once`
  )
}).pipe(Effect.scoped)

const runners = [1, 2, 3] as const

const cluster = Effect.gen(function*() {
  const { client, done, end, start, waitsForTime } = yield* openCluster({ locks })
  const began = yield* Clock.currentTimeMillis
  yield* Effect.forEach(runners, start, { discard: true })
  const payments = count("payments")
  const orders = count("orders")

  /** Kills a runner and starts it again, now and then. */
  let kills = 0
  const trouble = Effect.gen(function*() {
    for (;;) {
      yield* Effect.sleep(Duration.millis(3000 + random(3000)))
      const number = runners[random(3)]!
      yield* end(number, random(4) === 0 ? "SIGTERM" : "SIGKILL")
      kills++
      yield* Effect.sleep(Duration.millis(random(2000)))
      yield* start(number)
    }
  })

  const pay = Effect.gen(function*() {
    const account = yield* Account.client
    yield* Effect.forEach(
      Array.from({ length: payments }, (_, index) => index),
      (index) => account(`account ${index % 40}`).pay({ payment: `payment ${index}` }),
      { concurrency: 40, discard: true }
    )
  })
  yield* Effect.raceFirst(Effect.provide(pay, client), trouble)
  const paid = (yield* done).map((text) => text.replace(/ by \d$/, ""))
  check(paid.length === payments, `${paid.length} payments were made in place of ${payments}`)
  check(new Set(paid).size === payments, `${payments - new Set(paid).size} payments are missing`)
  const paidAt = yield* Clock.currentTimeMillis
  console.log(
    `3 runners, ${payments} payments while ${kills} were ended and started again (${locks} locks): `
      + `${new Set(paid).size} made, ${paid.length - new Set(paid).size} made twice, in ${
        ((paidAt - began) / 1000).toFixed(1)
      } s`
  )

  // Every process dies while all workflows sleep.
  const ids = Array.from({ length: orders }, (_, index) => ({ id: `order ${index}` }))
  yield* Effect.provide(
    Effect.forEach(ids, (order) => Order.execute(order, { discard: true }), { concurrency: 10, discard: true }),
    client
  )
  const steps = (name: string) =>
    Effect.map(done, (all) => all.filter((text) => text.startsWith(name)).map((text) => text.replace(/ by \d$/, "")))
  yield* waitsForTime(orders)
  yield* Effect.forEach(runners, (number) => end(number, "SIGKILL"), { concurrency: 3, discard: true })
  yield* Effect.forEach(runners, start, { discard: true })
  const results = yield* Effect.provide(
    Effect.forEach(ids, (order) => Order.execute(order), { concurrency: "unbounded" }),
    client
  )
  check(
    results.every((text, index) => text === `order ${index}: reserve, charge`),
    "a workflow has another result than it should"
  )
  const charged = yield* steps("charge")
  const reserved = yield* steps("reserve")
  check(charged.length === orders && new Set(charged).size === orders, `${charged.length} charges for ${orders} orders`)
  check(
    reserved.length === orders && new Set(reserved).size === orders,
    `${reserved.length} reservations for ${orders} orders`
  )
  console.log(
    `${orders} workflows that slept while all 3 processes were killed: ${results.length} went on to their end, `
      + `${reserved.length} reservations, ${charged.length} charges, in `
      + `${(((yield* Clock.currentTimeMillis) - paidAt) / 1000).toFixed(1)} s`
  )
}).pipe(Effect.scoped)

console.log(`seed ${values.seed}`)
await Effect.runPromise(
  Effect.andThen(count("messages") > 0 ? claims : Effect.void, count("payments") > 0 ? cluster : Effect.void).pipe(
    Effect.provide(Layer.empty)
  )
)
for (const problem of problems) console.error(`- ${problem}`)
if (problems.length > 0) process.exitCode = 1
