/**
 * For the tests of an application, on a database of its own or on the embedded server: each test has a session, and leaves nothing behind.
 * Import it from `@sessionpool/oracle/test`; nothing else of the package loads it.
 *
 * @since 0.2.0
 */
import type { SessionPool } from "@sessionpool/core"
import type { OracleServer } from "@sessionpool/oracle-server"
import * as Config from "effect/Config"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { guard } from "./internal/sandbox.ts"
import * as OracleClient from "./OracleClient.ts"
import type { OracleConnection } from "./OracleConnection.ts"
import { OracleSessionPool } from "./OracleSessionPool.ts"

/**
 * A sandbox could not keep its promise.
 *
 * **When to use**
 *
 * Use its message: it says what in the test to change.
 *
 * **Details**
 *
 * - `"committed"`: something ended the transaction where the sandbox could not see it, such as a COMMIT inside of a procedure. What was done
 *   before that is in the database then.
 * - `"pool"`: code leased a session of its own, which would not see the work of the sandbox. It is a defect of the test, and ends its fiber.
 *
 * @category errors
 * @since 0.2.0
 */
export class SandboxError extends Schema.TaggedError<SandboxError>("@sessionpool/oracle/SandboxError")("SandboxError", {
  reason: Schema.Literals(["committed", "pool"])
}) {
  override get message() {
    return this.reason === "committed" ?
      "Something in the sandbox has committed, and its work is in the database now.\n" +
      "Look for COMMIT or DDL inside of PL/SQL, and for `connection.driver`." :
      "A sandbox has one session: another one, of `pool.acquire` or `pool.use`, would not see its work.\n" +
      "Give the code under test the connection, or let it use SqlClient. Make a pool of its own for tests of leases."
  }
}

type AnyPool = SessionPool.SessionPool<OracleConnection, unknown>

/**
 * How a sandbox is made.
 *
 * **Details**
 *
 * `pools` are the services of further pools that the code under test must not lease from, beside `OracleSessionPool`.
 *
 * @category options
 * @since 0.2.0
 */
export interface SandboxOptions {
  readonly pools?: ReadonlyArray<Context.Key<unknown, AnyPool>> | undefined
}

const savepoint = "oracle_test_sandbox"

/** Ends the transaction of a sandbox, whose outcome it carries. */
class Undo<A, E> {
  readonly exit: Exit.Exit<A, E>

  constructor(exit: Exit.Exit<A, E>) {
    this.exit = exit
  }
}

const leases = Effect.die(new SandboxError({ reason: "pool" }))

/** A pool that leases nothing. */
const refusing = (pool: AnyPool): AnyPool =>
  Object.create(pool, { acquire: { value: () => leases }, use: { value: () => leases } })

/** A client that gives no session but that of the sandbox. */
const withinSandbox = (client: OracleClient.OracleClient): OracleClient.OracleClient =>
  new Proxy(client, {
    get: (target, key) => {
      if (key === "pool") return refusing(target.pool)
      return key === "reserve" ? leases : Reflect.get(target, key)
    }
  })

/** In place of each pool that there is, one that leases nothing. */
const withoutLeases = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  keys: ReadonlyArray<Context.Key<unknown, AnyPool>>
): Effect.Effect<A, E, R> =>
  keys.reduce((inner: Effect.Effect<A, E, R>, key) =>
    Effect.flatMap(
      Effect.serviceOption(key),
      (pool) => Option.isNone(pool) ? inner : Effect.provideService(inner, key, refusing(pool.value))
    ), effect)

/** Goes back to the beginning, which only an open transaction can; whatever was committed has ended it. */
const isUncommitted = (connection: OracleConnection): Effect.Effect<boolean> =>
  Effect.isSuccess(connection.execute(`rollback to savepoint ${savepoint}`))

const within = <A, E, R>(connection: OracleConnection, effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const { session } = connection.caller
    // Inside of another sandbox it is a savepoint, and the outer one keeps watch.
    if (session.guard !== undefined) return Effect.flatMap(Effect.exit(effect), (exit) => Effect.fail(new Undo(exit)))
    const watched = Effect.gen(function*() {
      yield* connection.execute(`savepoint ${savepoint}`)
      session.guard = guard
      const exit = yield* Effect.exit(effect)
      session.guard = undefined
      const kept: Exit.Exit<A, E | SandboxError> = (yield* isUncommitted(connection))
        ? exit
        : Exit.fail(new SandboxError({ reason: "committed" }))
      return yield* Effect.fail(new Undo(kept))
    })
    return Effect.ensuring(
      watched,
      Effect.sync(() => {
        session.guard = undefined
      })
    )
  })

/**
 * Runs a test in a transaction of its own session, and rolls everything back when it ends.
 *
 * **When to use**
 *
 * Use around each test that writes. Tests run side by side: each has a session, and sees its own work alone.
 *
 * **Details**
 *
 * Statements of `SqlClient` and `OracleClient`, and `useConnection`, are those of the sandbox. `withTransaction` is a savepoint, so the code
 * under test may commit and roll back in its usual way. Explicit `commit` and `rollback`, DDL, and leases of `OracleSessionPool` are refused,
 * with what to do instead. What the sandbox cannot see, a COMMIT inside of PL/SQL, is noticed at the end: the test fails with a
 * {@link SandboxError}.
 *
 * **Gotchas**
 *
 * Sequences and identity columns go on: they are not part of a transaction. Locks are real: two tests that change the same row wait for
 * each other.
 *
 * **Example** (A test that leaves nothing behind)
 *
 * ```ts
 * import { OracleTest } from "@sessionpool/oracle/test"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const hire = (name: string) =>
 *   Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(sql`insert into people (name) values (${name})`))
 *
 * export const test = OracleTest.sandbox(Effect.gen(function*() {
 *   const sql = yield* SqlClient.SqlClient
 *   yield* hire("Ada")
 *   return yield* sql`select name from people`
 * }))
 * ```
 *
 * @see {@link layer} for a database to test on
 * @category combinators
 * @since 0.2.0
 */
export const sandbox = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  options: SandboxOptions = {}
): Effect.Effect<A, E | SqlError | SandboxError, R | OracleClient.OracleClient> =>
  Effect.gen(function*() {
    const client = yield* OracleClient.OracleClient
    const given = withinSandbox(client)
    const inside = withoutLeases(effect, [OracleSessionPool, ...options.pools ?? []]).pipe(
      Effect.provideService(OracleClient.OracleClient, given),
      Effect.provideService(SqlClient, given)
    )
    const undo = yield* Effect.flip(
      client.withTransaction(
        client.useConnection((connection) => within(connection, inside))
      ).pipe(Effect.flatMap(() => Effect.die("a sandbox that was kept")))
    )
    return yield* undo instanceof Undo ? (undo.exit as Exit.Exit<A, E | SandboxError>) : Effect.fail(undo as SqlError)
  })

/**
 * The database that tests run on.
 *
 * **Details**
 *
 * - `server` are the options of the embedded server, such as its `script`, which makes the schema. They are of no account to a real database.
 * - `pool` are options of the pool beside who and where.
 *
 * @category options
 * @since 0.2.0
 */
export interface LayerOptions {
  readonly server?: OracleServer.Options | undefined
  readonly pool?: Partial<OracleSessionPool.Fields> | undefined
}

const connect = Config.all({
  connectString: Config.String("ORACLE_CONNECT_STRING"),
  user: Config.String("ORACLE_USER"),
  password: Config.Redacted("ORACLE_PASSWORD")
})

const embedded = { user: "app", password: "sandbox" }

/**
 * A pool and a client for tests: of the database that `ORACLE_CONNECT_STRING`, `ORACLE_USER` and `ORACLE_PASSWORD` name, or, without these, of
 * an embedded server that lives as long as the layer.
 *
 * **When to use**
 *
 * Use with `it.layer` of `@effect/vitest`, so that the tests of a file share it.
 *
 * **Details**
 *
 * It provides `OracleClient`, `SqlClient` and `OracleSessionPool`. The embedded server is that of `@sessionpool/oracle-server`, which is loaded
 * only when it is needed.
 *
 * **Example** (Tests that share a schema)
 *
 * ```ts
 * import { OracleTest } from "@sessionpool/oracle/test"
 *
 * export const Database = OracleTest.layer({
 *   server: { script: "create table people (id number generated by default as identity, name varchar2(40))" }
 * })
 * ```
 *
 * @see {@link sandbox} for what runs on it
 * @category layers
 * @since 0.2.0
 */
export const layer = (
  options: LayerOptions = {}
): Layer.Layer<
  OracleClient.OracleClient | SqlClient | OracleSessionPool,
  Config.ConfigError | SqlError | Layer.Error<ReturnType<typeof OracleSessionPool.layer>>
> =>
  Layer.unwrap(Effect.gen(function*() {
    const given = yield* Effect.option(Config.String("ORACLE_CONNECT_STRING"))
    const who = Option.isSome(given)
      ? yield* connect
      : yield* Effect.gen(function*() {
        const { OracleServer: Server } = yield* Effect.promise(() => import("@sessionpool/oracle-server"))
        const server = yield* Effect.orDie(
          Server.make({ ...options.server, users: { ...options.server?.users, [embedded.user]: embedded.password } })
        )
        return {
          connectString: server.connectString,
          user: embedded.user,
          password: Redacted.make(embedded.password)
        }
      })
    const pool = OracleSessionPool.layer({ max: 8, ...options.pool, ...who })
    const client = OracleClient.layerFrom(Effect.flatMap(OracleSessionPool, (made) => OracleClient.fromPool(made)))
    return Layer.provideMerge(client, pool)
  }))
