/** The client of `effect/sql` over a pool: how it gets connections, compiles and ends transactions. */
import type { PoolOptions, SessionRequest } from "@sessionpool/core"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Sink from "effect/Sink"
import * as Client from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import type { OracleConnection } from "../OracleConnection.ts"
import { OracleContext } from "../OracleContext.ts"
import type { OracleSessionPool } from "../OracleSessionPool.ts"
import { Alerts, channelProblem, payloadProblem, signal } from "./alerts.ts"
import { effectOf } from "./effectOf.ts"
import { loadProblem } from "./loadOptions.ts"
import { load, targetOn } from "./loads.ts"
import { addressAttributes } from "./poolAddress.ts"
import { wrongArgument } from "./refusal.ts"
import { ReturningPlans } from "./returningPlans.ts"
import type { ClientOptions, ClientShape, OracleDialect } from "./sqlClientTypes.ts"
import { OracleCompiler } from "./sqlCompiler.ts"
import { OracleSqlConnection, type SharedState } from "./sqlConnection.ts"
import { SharedConnection, SqlMultiplexer } from "./sqlMultiplexer.ts"
import { type Abilities, abilitiesOf } from "./sqlParameter.ts"
import { asSqlError, misuse, toSqlError } from "./sqlReason.ts"
import { withStatements } from "./sqlStatement.ts"
import { rememberRunner, rememberTransactions, transactions } from "./sqlTransactions.ts"
import { Access, isRouted } from "./standbyRouting.ts"
import { StatementError } from "./statementError.ts"

let clients = 0

interface Functions {
  readonly [dialect: string]: (() => unknown) | undefined
}

const notAnswered =
  "sql.onDialect was called on Oracle without an `oracle` branch: add one, or use sql.onDialectOrElse."

/** `onDialect` and `onDialectOrElse` with Oracle among the answers. */
const withDialect = <C extends Statement.Constructor>(client: C): C & OracleDialect =>
  Object.assign(client, {
    onDialect: (options: Functions) => {
      if (options["oracle"] === undefined) throw new Error(notAnswered)
      return options["oracle"]()
    },
    onDialectOrElse: (options: Functions) => (options["oracle"] ?? options["orElse"])?.()
  }) as C & OracleDialect

const abilities = (
  pool: OracleSessionPool.Pool<unknown>,
  options: ClientOptions
): Effect.Effect<Abilities, SqlError> => {
  const known = options.serverVersion === undefined
    // It is no work of the program: no read has to come after it.
    ? Effect.provideService(asSqlError("connect")(pool.use((connection) => connection.serverVersion)), Access, "newest")
    : Effect.succeed(options.serverVersion)
  return Effect.map(known, (version) => {
    const found = abilitiesOf(version)
    return options.booleans === undefined ? found : { ...found, booleans: options.booleans === "boolean" }
  })
}

/** The names of a table and its columns as they stand in SQL. */
const identifiers = (compiler: OracleCompiler, table: string, columns: ReadonlyArray<string>) =>
  Effect.suspend(() => {
    try {
      return Effect.succeed({
        table: compiler.identifier(table),
        columns: columns.map((column) => compiler.identifier(column))
      })
    } catch (thrown) {
      return thrown instanceof StatementError ? Effect.fail(misuse(thrown)) : Effect.die(thrown)
    }
  })

const timeToLive = (duration: PoolOptions.DurationOption): number =>
  duration === "infinity" ? Infinity : Duration.toMillis(Duration.fromInputUnsafe(duration))

const anySession: SessionRequest.SessionRequest = {}

/** What sessions are asked for; statements outside of a transaction and the beginning of one read it. */
export const Request: Context.Reference<SessionRequest.SessionRequest> = Context.Reference(
  "@sessionpool/oracle/OracleClient/Request",
  { defaultValue: () => anySession }
)

/** `own`, with shared sessions for those who ask for nothing of a session: no request, and no context of their own. */
const sharing = (
  own: SqlConnection.Borrower,
  acquirer: Effect.Effect<OracleSqlConnection, SqlError, Scope.Scope>,
  multiplex: ClientOptions["multiplex"]
): Effect.Effect<SqlConnection.Borrower, SqlError> => {
  if (multiplex === undefined) return Effect.succeed(own)
  const sessions: unknown = multiplex?.sessions
  if (!Number.isInteger(sessions) || Number(sessions) < 1 || Number(sessions) > 64) {
    const problem = wrongArgument("connect", "The option multiplex", "an object with `sessions` from 1 to 64", sessions)
    return Effect.fail(toSqlError(problem, "connect"))
  }
  const noContext = OracleContext.defaultValue()
  return Effect.map(SqlMultiplexer.make(acquirer, Number(sessions)), (multiplexer): SqlConnection.Borrower => {
    const shared = new SharedConnection(multiplexer, own, acquirer)
    return (f) =>
      Effect.withFiber((fiber) =>
        fiber.getRef(Request) === anySession && fiber.getRef(OracleContext) === noContext ? f(shared) : own(f)
      )
  })
}

const sharedSessions = new Error(
  "The option multiplex cannot be used with a pool of OracleStandby: shared sessions would be of one database or the other."
)

/** A client over `pool`, which stays its owner's. */
export const makeClient = Effect.fnUntraced(function*(pool: OracleSessionPool.Pool<unknown>, options: ClientOptions) {
  if (options.multiplex !== undefined && isRouted(pool)) {
    return yield* Effect.fail(toSqlError(sharedSessions, "connect"))
  }
  const shared: SharedState = {
    abilities: yield* abilities(pool, options),
    plans: new ReturningPlans(timeToLive(options.describeTtl ?? "1 minute"))
  }
  const use = <A, E, R>(
    f: (connection: OracleConnection, user: string | undefined) => Effect.Effect<A, E, R>
  ) =>
    Effect.withFiber((fiber) => {
      const request = fiber.getRef(Request)
      const ended = (connection: OracleConnection) => Effect.exit(f(connection, request.user))
      return request === anySession ? pool.use(ended) : pool.use(request, ended)
    })
  const wrap = (connection: OracleConnection, user?: string) => new OracleSqlConnection(connection, shared, user)
  const acquirer = Effect.withFiber((fiber) => {
    const request = fiber.getRef(Request)
    return Effect.map(
      asSqlError("acquireConnection")(pool.acquire(request)),
      (connection) => wrap(connection, request.user)
    )
  })
  // What `f` fails with is not the pool's failure: it goes past the translation.
  const own: SqlConnection.Borrower = (f) =>
    Effect.flatten(asSqlError("acquireConnection")(use((connection, user) => f(wrap(connection, user)))))
  const borrower = yield* sharing(own, acquirer, options.multiplex)
  const transactionService = Context.Service<
    Client.TransactionConnection,
    readonly [connection: SqlConnection.Connection, depth: number]
  >(`@sessionpool/oracle/OracleClient/Transaction/${clients++}`)
  const spanAttributes = Object.entries({
    ...options.spanAttributes,
    "db.system.name": "oracle.db",
    ...(yield* addressAttributes(pool))
  })
  const compiler = new OracleCompiler({
    transform: options.transformQueryNames,
    ...shared.abilities
  })
  const transformRows = options.transformResultNames === undefined
    ? undefined
    : Statement.defaultTransforms(options.transformResultNames, options.transformJson ?? true).array

  const client = yield* Client.make({
    driver: "oracledb",
    acquirer,
    borrower,
    compiler,
    spanAttributes,
    transactionService,
    ...(transformRows !== undefined && { transformRows })
  })

  const ofClient = transactions(transactionService, spanAttributes, acquirer)
  const { withTransaction } = ofClient

  const useConnection: ClientShape["useConnection"] = (f) => {
    const given: typeof f = (connection) => effectOf("The function of `useConnection`", f(connection))
    return Effect.flatMap(
      Effect.serviceOption(transactionService),
      (current) =>
        current._tag === "Some" && current.value[0] instanceof OracleSqlConnection
          ? given(current.value[0].connection)
          : Effect.flatten(asSqlError("acquireConnection")(use(given)))
    )
  }

  const alerts = new Alerts(pool)
  const listen: ClientShape["listen"] = (channel) =>
    Stream.mapError(alerts.listen(channel), (failure) => toSqlError(failure, "listen"))
  const notify: ClientShape["notify"] = (channel, payload) => {
    const problem = channelProblem("notify", channel) ?? payloadProblem(payload)
    if (problem !== undefined) return Effect.fail(toSqlError(problem, "notify"))
    return Effect.asVoid(
      asSqlError("notify")(useConnection((connection) =>
        Effect.tap(
          signal(connection, channel, payload),
          () => connection.transactions.isOpen ? Effect.void : connection.commit
        )
      ))
    )
  }

  const sink: ClientShape["sink"] = (table, columns, loading = {}) => {
    const problem = loadProblem(table, columns, loading)
    if (problem !== undefined) return Sink.fail(problem)
    return Sink.fromTransform((upstream) =>
      Effect.flatMap(identifiers(compiler, table, columns), (names) =>
        useConnection((connection) => {
          const commit = loading.direct === true ? undefined : loading.commit ?? !connection.transactions.isOpen
          return load(targetOn(connection, { ...names, properties: columns }), { ...loading, commit }, upstream)
        }))
    )
  }

  const complete = <C extends Client.SqlClient>(constructor: C, plain: (self: object) => object) => {
    const made = Object.assign(withDialect(withStatements(constructor)), {
      pool,
      withTransaction,
      useConnection,
      sink,
      listen,
      notify
    })
    rememberRunner(made, (connection) => (effect) => ofClient.inside(wrap(connection), effect))
    rememberTransactions(made, (connection) => ofClient.on(wrap(connection)))
    return Object.assign(made, { safe: made, withoutTransforms: () => plain(made) as typeof made })
  }
  if (transformRows === undefined) return complete(client, (self) => self)
  const plain = complete(client.withoutTransforms(), (self) => self)
  return complete(client, () => plain)
})
