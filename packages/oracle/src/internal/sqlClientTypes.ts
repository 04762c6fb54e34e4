/** What a client of `effect/sql` is given and has beyond `SqlClient`: types alone, so that its parts need not know the module that exports them. */
import type { PoolOptions } from "@sessionpool/core"
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type * as Sink from "effect/Sink"
import type * as Client from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import type * as Stream from "effect/Stream"
import type { OracleConnection } from "../OracleConnection.ts"
import type { OracleSessionPool } from "../OracleSessionPool.ts"
import type { LoadFailure, LoadOptions, LoadProgress, LoadRow } from "./loadOptions.ts"

/**
 * The options of a client beside those of its pool.
 *
 * **Details**
 *
 * - `transformQueryNames` and `transformResultNames` change the names of columns and tables on their way to the database and back.
 *   Default: no change. `transformJson` (default `true`) applies the second inside JSON and nested cursors too.
 * - `spanAttributes` are added to every span of the client.
 * - `serverVersion` is the version of the server, such as `"19.3"`. Default: the client leases one session to read it. It decides how
 *   inserts of several rows, lists, BOOLEAN and JSON are written.
 * - `booleans` says how `true` is sent: as BOOLEAN (default from 23ai on) or as the number 1 (default before).
 * - `describeTtl` is how long the columns of a RETURNING count as known. Default: 1 minute. A change of definitions by this process, and a
 *   failure of the statement, end it at once.
 * - `multiplex` lets queries outside of transactions share a few sessions (`sessions`, from 1 to 64) in pipelines, so that many callers need
 *   few round trips and few sessions. Default: each takes a session of its own. See docs/pipelining.md.
 *
 * **Example** (Names in camelCase)
 *
 * ```ts
 * import type { OracleClient } from "@sessionpool/oracle"
 * import { String } from "effect"
 *
 * const options: OracleClient.ClientOptions = {
 *   transformQueryNames: String.camelToSnake,
 *   transformResultNames: String.snakeToCamel
 * }
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export interface ClientOptions {
  readonly transformQueryNames?: ((name: string) => string) | undefined
  readonly transformResultNames?: ((name: string) => string) | undefined
  readonly transformJson?: boolean | undefined
  readonly spanAttributes?: Record<string, unknown> | undefined
  readonly serverVersion?: string | undefined
  readonly booleans?: "boolean" | "number" | undefined
  readonly describeTtl?: PoolOptions.DurationOption | undefined
  readonly multiplex?: { readonly sessions: number } | undefined
}

/**
 * `onDialect` and `onDialectOrElse` with an answer for Oracle.
 *
 * **Gotchas**
 *
 * `onDialect` on Oracle throws when it has no `oracle`: the type in `effect/sql` cannot ask for it.
 *
 * **Example** (The time of the database)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const now = Effect.map(OracleClient.OracleClient, (sql) =>
 *   sql.onDialectOrElse({ oracle: () => sql`systimestamp`, orElse: () => sql`current_timestamp` }))
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface OracleDialect {
  readonly onDialect: Statement.Constructor["onDialect"] & {
    <A, B, C, D, E, F>(options: {
      readonly sqlite: () => A
      readonly pg: () => B
      readonly mysql: () => C
      readonly mssql: () => D
      readonly clickhouse: () => E
      readonly oracle: () => F
    }): A | B | C | D | E | F
  }
  readonly onDialectOrElse:
    & (<A, F, B = never, C = never, D = never, E = never, G = never>(options: {
      readonly oracle: () => F
      readonly orElse: () => A
      readonly sqlite?: () => B
      readonly pg?: () => C
      readonly mysql?: () => D
      readonly mssql?: () => E
      readonly clickhouse?: () => G
    }) => A | B | C | D | E | F | G)
    & Statement.Constructor["onDialectOrElse"]
}

/** A client without the mark of the public module. */
export interface ClientShape extends Client.SqlClient {
  /**
   * Runs an effect in a transaction. With `recover`, an outermost transaction that is known not to have happened runs again as the schedule
   * says, on another session where its own was lost.
   */
  readonly withTransaction: <R, E, A>(
    self: Effect.Effect<A, E, R>,
    options?: { readonly recover?: Schedule.Schedule<unknown> | undefined }
  ) => Effect.Effect<A, E | SqlError, R>
  readonly onDialect: OracleDialect["onDialect"]
  readonly onDialectOrElse: OracleDialect["onDialectOrElse"]
  /** The pool that the client takes its sessions from. */
  readonly pool: OracleSessionPool.Pool<unknown>
  /**
   * Uses the connection of the current transaction. Outside a transaction it leases a connection, and what `f` does not commit is rolled
   * back.
   */
  readonly useConnection: <A, E, R>(
    f: (connection: OracleConnection) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | SqlError, R>
  /**
   * The payloads of the notices that are sent to a channel, over `DBMS_ALERT`. One session outside of the pool's `max` waits for all channels of
   * the client; it is opened with the first listener and closed with the last. When it is lost, another one is registered for them.
   *
   * Notices of one channel may be merged: of several that are committed before a listener looks, it gets the last. What is sent while no
   * session listens is lost. `OracleQueue` is for messages that each count. The user needs `execute` on `DBMS_ALERT`.
   */
  readonly listen: (channel: string) => Stream.Stream<string, SqlError>
  /**
   * Sends a notice to the listeners of a channel: when the transaction commits, or at once outside of one. Transactions that notify the same
   * channel wait for each other. A channel is a name of at most 30 bytes in which capitals do not count, a payload has at most 1800 bytes.
   */
  readonly notify: (channel: string, payload: string) => Effect.Effect<void, SqlError>
  /**
   * A sink that loads rows into a table, as `connection.sink` does, with the client's names of the table and its columns. In a transaction
   * it loads on the connection of that; outside each chunk is committed, and `committed` of a failure says how many rows stay.
   */
  readonly sink: <const Column extends string>(
    table: string,
    columns: ReadonlyArray<Column>,
    options?: LoadOptions
  ) => Sink.Sink<LoadProgress, LoadRow<Column>, never, LoadFailure | SqlError>
}
