/**
 * Many tenants in one schema: the database is told with each lease whose work it does, and a view shows each tenant its own rows.
 * The sessions are shared, and none of them remembers its last holder.
 */
import { OracleContext, OracleSessionPool } from "@sessionpool/oracle"
import { OracleServer } from "@sessionpool/oracle-server"
import { Console, Effect, Redacted } from "effect"

const script = `
  create table orders (tenant varchar2(20), item varchar2(20));
  insert into orders values ('acme', 'anvil');
  insert into orders values ('acme', 'rocket');
  insert into orders values ('bolt', 'nut');
  create view my_orders as
    select item from orders where tenant = sys_context('clientcontext', 'tenant')
`

export const main = Effect.gen(function*() {
  const server = yield* OracleServer.make({ script })
  const pool = yield* OracleSessionPool.make({
    connectString: server.connectString,
    user: "scott",
    password: Redacted.make("tiger"),
    serviceName: "shop",
    max: 1
  })

  const orders = pool.use((connection) =>
    Effect.gen(function*() {
      const rows = yield* connection.query("select item from my_orders order by item")
      const [who] = yield* connection.query(
        "select module, action, client_identifier as client from v$session where sid = sys_context('userenv', 'sid')"
      )
      return `${rows.map((row) => row["ITEM"]).join(", ") || "nothing"} (${Object.values(who ?? {}).join(", ")})`
    })
  )
  const as = (user: string, tenant: string) =>
    orders.pipe(
      Effect.withSpan("list orders"),
      Effect.provideService(OracleContext, { clientIdentifier: user, attributes: { tenant } }),
      Effect.flatMap((found) => Console.log(`${user} of ${tenant} sees ${found}`))
    )

  yield* as("ada", "acme")
  yield* as("bob", "bolt")
  yield* as("eve", "' or 1 = 1 --")
  yield* Console.log(`without a tenant: ${yield* orders}`)
  yield* Console.log(`sessions opened: ${(yield* pool.statistics).totals.opened}`)
}).pipe(Effect.scoped)

if (import.meta.main) await Effect.runPromise(main)

/* Prints:
ada of acme sees anvil, rocket (shop, list orders, ada)
bob of bolt sees nut (shop, list orders, bob)
eve of ' or 1 = 1 -- sees nothing (shop, list orders, eve)
without a tenant: nothing (shop, , )
sessions opened: 1
*/
