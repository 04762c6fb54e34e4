/**
 * Orders on a cluster of three processes, one of which is killed while they are under way:
 *
 *   npm run exec -- node examples/order-cluster/main.ts
 *
 * It runs on the database that `ORACLE_CONNECT_STRING`, `ORACLE_USER` and `ORACLE_PASSWORD` name, else on an embedded server; there the
 * user needs `grant execute on sys.dbms_lock`. Its test: `npm test -- OrderCluster`.
 */
import { OracleClient } from "@sessionpool/oracle"
import { OracleServer } from "@sessionpool/oracle-server"
import { Config, ConfigProvider, Console, Effect, Layer, Result } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { client, engine } from "./cluster.ts"
import { PlaceOrder } from "./Order.ts"

const entry = fileURLToPath(new URL("./runner.ts", import.meta.url))

type Environment = Readonly<Record<string, string>>

/** Where the database is, as the variables that every process of the cluster reads. */
const environment = Effect.gen(function*() {
  const real = yield* Config.option(Config.String("ORACLE_CONNECT_STRING"))
  if (real._tag === "Some") return process.env as Environment
  const server = yield* OracleServer.make({ users: { example: "secret" } })
  return { ORACLE_CONNECT_STRING: server.connectString, ORACLE_USER: "example", ORACLE_PASSWORD: "secret" }
})

const killed = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, "exit")
    child.kill("SIGKILL")
    await exit
  })

const start = (variables: Environment) => (number: number) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [entry, String(number)], {
        env: { ...process.env, ...variables },
        stdio: ["ignore", "ignore", "inherit"]
      })
    ),
    killed
  )

const products = ["tea", "coffee", "cocoa"] as const

/** Twenty orders for a little; one for more than there is; one whose card is declined. */
const orders = [
  ...Array.from({ length: 20 }, (_, index) => ({
    orderId: `order ${index + 1}`,
    product: products[index % 3]!,
    quantity: 1 + index % 2,
    card: "valid"
  })),
  { orderId: "order 21", product: "tea", quantity: 1000, card: "valid" },
  { orderId: "order 22", product: "tea", quantity: 5, card: "declined" }
]

/** Places the orders, kills a runner, and shows what has become of them. */
const place = (runners: ReadonlyArray<ChildProcess>) =>
  Effect.gen(function*() {
    const sql = yield* OracleClient.OracleClient
    for (const product of products) yield* sql`insert into stock (product, on_hand) values (${product}, 50)`
    yield* Effect.forEach(orders, (order) => PlaceOrder.execute(order, { discard: true }), {
      concurrency: 5,
      discard: true
    })
    const underWay = sql<{ readonly n: number }>`select count(*) as "n" from order_steps where step = 'charge'`
    while ((yield* underWay)[0]!.n < 5) yield* Effect.sleep("100 millis")
    yield* killed(runners[1]!)
    yield* Console.log(`Orders         ${orders.length} placed with three runners; runner 2 was killed on the way`)

    const results = yield* Effect.forEach(orders, (order) => Effect.result(PlaceOrder.execute(order)), {
      concurrency: "unbounded"
    })
    const failures = results.filter(Result.isFailure).map(({ failure }) => failure._tag)
    const steps = yield* sql<{ readonly step: string; readonly n: number }>`
      select step as "step", count(*) as "n" from order_steps group by step order by step`
    const stock = yield* sql<{ readonly product: string; readonly left: number }>`
      select product as "product", on_hand as "left" from stock order by product`
    yield* Console.log(`Shipped        ${results.filter(Result.isSuccess).length}`)
    yield* Console.log(`Failed         ${failures.sort().join(", ")}`)
    yield* Console.log(`Steps          ${steps.map(({ n, step }) => `${step} ${n}`).join(", ")}`)
    yield* Console.log(`Stock          ${stock.map(({ left, product }) => `${product} ${left}`).join(", ")}`)
  })

export const main = Effect.gen(function*() {
  const variables = yield* environment
  yield* Effect.gen(function*() {
    const runners = yield* Effect.forEach([1, 2, 3], start(variables))
    yield* place(runners)
  }).pipe(Effect.provide(
    engine().pipe(
      Layer.provideMerge(client),
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(variables)))
    )
  ))
}).pipe(Effect.scoped)

if (import.meta.main) await Effect.runPromise(main)
