import { assert, describe, it } from "@effect/vitest"
import { OracleClient, type OracleConnection, OracleContext } from "@sessionpool/oracle"
import { Effect, Exit, Fiber, Tracer } from "effect"
import { Reactivity } from "effect/reactivity"
import { cutToBytes } from "../src/internal/leaseContext.ts"
import { isReal } from "./database.ts"
import { relayed } from "./relay.ts"
import { endless, watched as plain } from "./watchedPool.ts"

type Held = OracleConnection.OracleConnection

/** A pool on a server where HR and ADA have schemas. */
const watched = (options: Parameters<typeof plain>[0]) =>
  Effect.tap(
    plain(options),
    ({ server }) =>
      Effect.forEach(["hr", "ada"], (user) => server.script("create table own (n number)", user), { discard: true })
  )

const userenv = (name: string) => `sys_context('userenv', '${name}')`

/** What the server knows of the session. */
const seen = (held: Held) =>
  Effect.map(
    held.query(
      `select ${userenv("client_identifier")} as "client", ${userenv("client_info")} as "info",
        ${userenv("module")} as "module", ${userenv("action")} as "action", ${userenv("current_schema")} as "schema",
        sys_context('clientcontext', 'tenant') as "tenant" from dual`
    ),
    ([row]) => row
  )

const nobody = { client: null, info: null, module: "default", action: null, schema: "SCOTT", tenant: null }

const everything = (held: Held) =>
  Effect.gen(function*() {
    yield* held.setClientIdentifier("alice")
    yield* held.setClientInfo("at her desk")
    yield* held.setModule("payroll")
    yield* held.setAction("raise")
    yield* held.setDbOperation("july")
    yield* held.setCurrentSchema("HR")
    yield* held.setContext({ ecid: "e1", attributes: { tenant: "acme" } })
  })

const alice = {
  client: "alice",
  info: "at her desk",
  module: "payroll",
  action: "raise",
  schema: "HR",
  tenant: "acme"
}

describe.skipIf(isReal)("what a holder has set", () => {
  it.live("never reaches the next one (B1)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* server.script("create table t (n number)")
      const uses: ReadonlyArray<(held: Held) => Effect.Effect<unknown, unknown>> = [
        // Sent; never sent; sent and with work to undo; sent and broken off; sent and failed.
        (held) => Effect.andThen(everything(held), seen(held)),
        everything,
        (held) => Effect.andThen(everything(held), held.execute("insert into t values (1)")),
        (held) => Effect.andThen(everything(held), Effect.timeout(held.execute(endless), "30 millis")),
        (held) => Effect.andThen(everything(held), held.query("select nothing from nowhere"))
      ]
      for (const use of uses) {
        yield* Effect.exit(pool.use(use))
        assert.deepStrictEqual(yield* pool.use(seen), nobody)
      }
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))

  it.live("is there for itself, and costs no round trip but the question for the schema, once (B1)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1 })
      yield* pool.use((held) => Effect.andThen(everything(held), seen(held)))
      yield* server.clearRequests
      assert.deepStrictEqual(yield* pool.use((held) => Effect.andThen(everything(held), seen(held))), alice)
      const calls = (yield* server.requests).filter(({ piggyback }) => !piggyback)
      assert.lengthOf(calls, 1)
    }))

  it.live("is put back when it was set through the client of effect/sql, too (B1)", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      const sql = yield* Effect.provide(OracleClient.fromPool(pool), Reactivity.layer)
      assert.deepStrictEqual(
        yield* sql.useConnection((held) => Effect.andThen(everything(held), seen(held))),
        alice
      )
      assert.deepStrictEqual(yield* pool.use(seen), nobody)
    }))

  it.live("leaves module and action with endToEnd \"keep\", and nothing else (B1)", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 2, endToEnd: "keep" })
      assert.deepStrictEqual(yield* pool.use(seen), { ...nobody, module: null })
      yield* pool.use((held) => Effect.andThen(everything(held), seen(held)))
      assert.deepStrictEqual(yield* pool.use(seen), { ...nobody, module: "payroll", action: "raise" })
      assert.deepStrictEqual(yield* pool.use({ purity: "new" }, seen), { ...nobody, module: null })
    }))

  it.live("is sent again after a call that carried it was broken off", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* relayed({ max: 1 })
      yield* pool.use((held) => held.ping)
      for (let round = 0; round < 10; round++) {
        yield* server.clearRequests
        const exit = yield* pool.use((held) =>
          Effect.gen(function*() {
            yield* held.setClientIdentifier(`user ${round}`)
            const fiber = yield* Effect.forkChild(held.execute(endless))
            yield* Effect.sleep(`${round * 3} millis`)
            yield* Fiber.interrupt(fiber)
            return yield* seen(held)
          })
        )
        assert.deepInclude(exit, { client: `user ${round}` })
        assert.deepStrictEqual(yield* pool.use(seen), nobody)
      }
    }))

  it.live("and the server has refused ends with the lease: a schema (S3)", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      const error = yield* Effect.flip(pool.use((held) => Effect.andThen(held.setCurrentSchema("nosuch"), seen(held))))
      assert.strictEqual(error._tag === "OracleError" && error.code, "ORA-01435")
      assert.deepStrictEqual(yield* pool.use(seen), nobody)
      yield* pool.use((held) => held.setCurrentSchema("nosuch"))
      assert.deepStrictEqual(yield* pool.use(seen), nobody)
      yield* pool.use((held) => Effect.andThen(held.setCurrentSchema("HR"), seen(held)))
      yield* Effect.exit(
        pool.use((held) => Effect.andThen(held.setCurrentSchema("nosuch"), held.execute("begin null; end;")))
      )
      assert.deepStrictEqual(yield* pool.use(seen), nobody)
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))

  it.live("and onSession has refused to be sent ends with the session: a schema (S3)", () =>
    Effect.gen(function*() {
      let schema = "NOSUCH"
      const { pool } = yield* watched({ max: 1, onSession: (held) => held.setCurrentSchema(schema) })
      assert.isTrue(Exit.isFailure(yield* Effect.exit(pool.use(seen))))
      schema = "HR"
      assert.deepInclude(yield* pool.use(seen), { schema: "HR" })
      assert.deepInclude(yield* pool.use(seen), { schema: "HR" })
      yield* pool.use((held) => Effect.andThen(held.setCurrentSchema("ADA"), seen(held)))
      assert.deepInclude(yield* pool.use(seen), { schema: "HR" })
      assert.deepInclude((yield* pool.statistics).totals, { opened: 2, closed: 1 })
    }))

  it.live("does not undo a schema that a statement has set, which stays (B2)", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      yield* pool.use((held) =>
        Effect.gen(function*() {
          yield* held.setCurrentSchema("HR")
          yield* held.ping
          yield* held.execute("alter session set current_schema = ADA")
          assert.deepInclude(yield* seen(held), { schema: "ADA" })
        })
      )
      assert.deepInclude(yield* pool.use(seen), { schema: "ADA" })
    }))

  it.live("is known to a pooled server at each exchange, and to no next holder (B1)", () =>
    Effect.gen(function*() {
      for (const settings of [{ serverPool: "release" }, { poolBoundary: "statement" }] as const) {
        const { pool } = yield* watched({ max: 1, ...settings })
        for (let round = 0; round < 3; round++) {
          yield* pool.use((held) =>
            Effect.gen(function*() {
              yield* everything(held)
              for (let call = 0; call < 3; call++) assert.deepStrictEqual(yield* seen(held), alice)
            })
          )
          assert.deepStrictEqual(yield* pool.use(seen), nobody)
        }
      }
    }))
})

describe.skipIf(isReal)("OracleContext", () => {
  const context = { clientIdentifier: "ada", clientInfo: "at home", attributes: { Tenant: "acme" } }

  it.live("is applied with the first call of every lease, a new session's too, and put back", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* watched({ max: 1, serviceName: "orders" })
      const as = Effect.provideService(OracleContext, context)
      const expected = { ...nobody, client: "ada", info: "at home", module: "orders", tenant: "acme" }
      assert.deepStrictEqual(yield* as(pool.use(seen)), expected)
      assert.deepStrictEqual(yield* pool.use(seen), { ...nobody, module: "orders" })
      assert.deepStrictEqual(yield* as(Effect.scoped(Effect.flatMap(pool.acquire(), seen))), expected)
      yield* server.clearRequests
      yield* as(pool.use(seen))
      yield* as(pool.use(seen))
      const calls = (yield* server.requests).map(({ function: name, piggyback }) => [name, piggyback])
      // The second lease wants what the session has.
      assert.deepStrictEqual(calls.filter(([, piggyback]) => piggyback === true), [])
      assert.lengthOf(calls, 2)
    }))

  it.live("takes the caller's span for the action, and the request's word over its own", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1 })
      const sql = yield* Effect.provide(
        OracleClient.fromPool(pool, { transformResultNames: (name) => name.toLowerCase() }),
        Reactivity.layer
      )
      const action = sql`select ${sql.literal(userenv("action"))} as a from dual`
      assert.deepInclude(yield* Effect.withSpan(pool.use(seen), "raise pay"), { action: "raise pay" })
      assert.deepStrictEqual(yield* Effect.withSpan(action, "over sql"), [{ a: "over sql" }])
      assert.deepStrictEqual(yield* Effect.withSpan(sql.withTransaction(action), "in a transaction"), [
        { a: "in a transaction" }
      ])
      // One that has to wait has a span of the pool around it.
      const both = Effect.all([
        pool.use((held) => Effect.andThen(Effect.sleep("20 millis"), seen(held))),
        pool.use(seen)
      ], {
        concurrency: 2
      })
      assert.deepStrictEqual((yield* Effect.withSpan(both, "twice")).map((row) => row?.["action"]), ["twice", "twice"])
      const request = { context: { clientIdentifier: "bob", action: "own", attributes: { region: "north" } } }
      assert.deepStrictEqual(
        yield* pool.use(request, seen).pipe(Effect.provideService(OracleContext, context), Effect.withSpan("span")),
        { ...nobody, client: "bob", info: "at home", action: "own", tenant: "acme" }
      )
      const off = { module: false, action: false } as const
      assert.deepStrictEqual(
        yield* pool.use(seen).pipe(Effect.provideService(OracleContext, off), Effect.withSpan("span")),
        { ...nobody, module: null }
      )
      const external = Tracer.externalSpan({ spanId: "1", traceId: "2" })
      assert.deepInclude(yield* Effect.withParentSpan(pool.use(seen), external), { action: null })
    }))

  it.live("cuts module and action between two characters, and nothing that says who it is for", () =>
    Effect.gen(function*() {
      assert.strictEqual(cutToBytes("ab€", 5), "ab€")
      assert.strictEqual(cutToBytes("ab€", 4), "ab")
      assert.strictEqual(cutToBytes("a👩🏽", 6), "a👩")
      const { pool } = yield* watched({ max: 1 })
      const long = "€".repeat(30)
      const row = yield* Effect.provideService(pool.use(seen), OracleContext, { module: long, action: long })
      assert.deepInclude(row, { module: "€".repeat(21), action: "€".repeat(21) })
      const refused: ReadonlyArray<OracleContext> = [
        { clientIdentifier: long },
        { clientInfo: long },
        { ecid: long },
        { attributes: { tenant: "x".repeat(4001) } },
        { attributes: { ["n".repeat(129)]: "x" } },
        { attributes: { "": "x" } },
        { clientIdentifier: 7 } as unknown as OracleContext,
        { module: null } as unknown as OracleContext,
        { attributes: null } as unknown as OracleContext,
        null as unknown as OracleContext
      ]
      for (const bad of refused) {
        const error = yield* Effect.flip(Effect.provideService(pool.use((held) => held.ping), OracleContext, bad))
        assert.strictEqual(error._tag === "OracleError" && error.reason._tag, "UnknownError")
        assert.match(error.message, /Nothing was sent/)
        assert.deepStrictEqual(yield* pool.use(seen), nobody)
      }
      const error = yield* Effect.flip(pool.use({ context: "ada" }, (held) => held.ping))
      assert.match(error.message, /must be an object/)
      const changed = yield* Effect.flip(
        pool.use((held) => held.setContext({ attributes: null } as unknown as OracleContext))
      )
      assert.match(changed.message, /must be an object/)
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))

  it.live("is no part of a tag: a tagged session is found whoever asks", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 2, onSession: (held, { requestedTag }) => held.setTag(requestedTag) })
      for (const clientIdentifier of ["ada", "bob", "ada"]) {
        const row = yield* Effect.provideService(pool.use({ tag: "A=1" }, seen), OracleContext, { clientIdentifier })
        assert.deepInclude(row, { client: clientIdentifier })
      }
      assert.strictEqual((yield* pool.statistics).opened, 1)
    }))

  it.live("puts back what the session was opened with", () =>
    Effect.gen(function*() {
      const { pool } = yield* watched({ max: 1, appContext: [["clientcontext", "tenant", "house"]] })
      assert.deepInclude(yield* pool.use(seen), { tenant: "house" })
      assert.deepInclude(yield* Effect.provideService(pool.use(seen), OracleContext, context), { tenant: "acme" })
      assert.deepInclude(yield* pool.use(seen), { tenant: "house" })
    }))

  it.live("keeps two tenants apart under everything that can happen to a lease (B1)", () =>
    Effect.gen(function*() {
      const { pool, server } = yield* relayed({ max: 3, delay: 1 })
      yield* server.script(`
        create table orders (tenant varchar2(20), item varchar2(20));
        insert into orders values ('acme', 'anvil');
        insert into orders values ('acme', 'rocket');
        insert into orders values ('bolt', 'nut');
        create view my_orders as select item from orders where tenant = sys_context('clientcontext', 'tenant')
      `)
      const items = { acme: ["anvil", "rocket"], bolt: ["nut"] }
      const read = (held: Held) =>
        Effect.map(held.query("select item from my_orders order by item"), (rows) => rows.map((row) => row["ITEM"]))
      const lease = (tenant: "acme" | "bolt" | undefined, index: number) => {
        const work = pool.use((held) =>
          Effect.gen(function*() {
            if (index % 5 === 0) yield* Effect.ignore(Effect.timeout(held.execute(endless), `${index % 7} millis`))
            if (index % 7 === 0) yield* Effect.ignore(held.query("select nothing from nowhere"))
            const found = yield* read(held)
            assert.deepStrictEqual(found, tenant === undefined ? [] : items[tenant])
            if (index % 11 === 0) yield* pool.drop(held)
          })
        )
        const bounded = index % 3 === 0 ? Effect.timeoutOption(work, `${index % 13} millis`) : work
        return Effect.provideService(bounded, OracleContext, tenant === undefined ? {} : { attributes: { tenant } })
      }
      const tenants = ["acme", "bolt", undefined] as const
      yield* Effect.forEach(
        Array.from({ length: 300 }, (_, index) => index),
        (index) => lease(tenants[index % 3], index),
        { concurrency: 8, discard: true }
      )
    }))

  it.live("is there for onLease, which runs at every lease and may refuse it", () =>
    Effect.gen(function*() {
      const users: Array<unknown> = []
      const { pool } = yield* watched({
        max: 1,
        onLease: (held) =>
          Effect.flatMap(seen(held), (row) => {
            users.push(row?.["client"])
            return row?.["client"] === "eve" ? held.setTag("no tag") : Effect.void
          })
      })
      const as = (clientIdentifier: string) =>
        Effect.provideService(pool.use(seen), OracleContext, { clientIdentifier })
      assert.deepInclude(yield* as("ada"), { client: "ada" })
      assert.deepInclude(yield* as("bob"), { client: "bob" })
      assert.strictEqual((yield* Effect.flip(as("eve")))._tag, "InvalidTagError")
      assert.deepStrictEqual(yield* pool.use(seen), nobody)
      assert.deepStrictEqual(users, ["ada", "bob", "eve", null])
      assert.deepInclude((yield* pool.statistics).totals, { opened: 1, closed: 0 })
    }))
})
