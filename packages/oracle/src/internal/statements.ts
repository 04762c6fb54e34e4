/** Statements: execution of one, and of a call of PL/SQL. Batches are in `executeMany.ts`. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as OracleBind from "../OracleBind.ts"
import * as OracleError from "../OracleError.ts"
import { readOutBinds } from "./bindReader.ts"
import { isKnownType, objectTypeNames } from "./bindTypes.ts"
import { noClasses, writeBinds } from "./bindWriter.ts"
import { checkBinds } from "./boundLobs.ts"
import { cursorStream, handlesOf, openedStream, type ReadError } from "./cursor.ts"
import { discardResult } from "./discard.ts"
import type { CallError, DriverCaller } from "./driverCaller.ts"
import { Unfit } from "./numberPolicy.ts"
import type { ObjectClasses } from "./objectTypes.ts"
import { wrongArgument } from "./refusal.ts"
import { RowDecodeError } from "./rowDecodeError.ts"
import { executeOptions, type Row, RowReader } from "./rowReader.ts"
import { isName, isSimpleName } from "./sqlNames.ts"
import { sent } from "./statementText.ts"
import { type ValueSettings, withSettings } from "./valueSettings.ts"

/**
 * What a statement has done.
 *
 * **When to use**
 *
 * It is what `execute` and `call` give. For rows alone use `query`.
 *
 * **Details**
 *
 * `rows` are those of a query, `outBinds` the values of OUT, IN OUT and RETURNING binds, `implicitResults` the cursors that PL/SQL
 * handed over with `dbms_sql.return_result`, each a stream to be run once. `warning` is set when the server did what it was
 * asked and complained, as for PL/SQL that does not compile.
 *
 * **Example** (The key of a new row)
 *
 * ```ts
 * import { OracleBind, type OracleConnection } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const insert = (connection: OracleConnection.OracleConnection) =>
 *   connection.execute("insert into jobs (name) values (:name) returning id into :id", {
 *     name: "nightly",
 *     id: OracleBind.returning("number")
 *   }).pipe(Effect.map(({ outBinds }) => outBinds.id[0]))
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface ExecuteResult<B = unknown> {
  readonly rowsAffected: number
  readonly lastRowid: string | undefined
  readonly rows: ReadonlyArray<Row>
  readonly outBinds: OracleBind.OutValues<B>
  readonly implicitResults: ReadonlyArray<Stream.Stream<Row, ReadError>>
  readonly warning: OracleError.OracleError | undefined
}

/** How a statement runs beside what it reads: by default it leaves its work uncommitted, and is kept parsed. */
export interface RunOptions {
  readonly autoCommit?: boolean
  readonly keepInStmtCache?: boolean
}

/** The driver's classes of the object types among the binds of rows: each is asked for once in a session, before the statement. */
const classesOf = (caller: DriverCaller, rows: ReadonlyArray<unknown>): Effect.Effect<ObjectClasses, CallError> => {
  let names: ReadonlyArray<string> = []
  try {
    names = objectTypeNames(rows.filter((row) => typeof row === "object" && row !== null) as Array<OracleBind.Binds>)
  } catch {
    // What is no set of binds, or throws when it is read, is told where the statement is made.
  }
  if (names.length === 0) return Effect.succeed(noClasses)
  const { session } = caller
  return Effect.map(
    Effect.forEach(names.filter((name) => !session.objectTypes.has(name)), (name) =>
      Effect.map(
        caller.call({ operation: "DESCRIBE TYPE" }, (connection) => session.describeType(connection, name)),
        (described) => session.objectTypes.add(name, described)
      ), { discard: true }),
    () => session.objectTypes.of(names)
  )
}

/** `go` gets the object types among the binds of rows. When it fails they are described anew: one may have been changed meanwhile. */
export const withClasses = <A, E>(
  caller: DriverCaller,
  rows: ReadonlyArray<unknown>,
  go: (classes: ObjectClasses) => Effect.Effect<A, E>
): Effect.Effect<A, E | CallError> =>
  Effect.flatMap(
    classesOf(caller, rows),
    (classes) =>
      classes.size === 0 ?
        go(classes) :
        Effect.tapError(go(classes), () => Effect.sync(() => caller.session.objectTypes.doubt()))
  )

/** A statement is about to be sent with object types among its binds. */
export const noteClasses = (caller: DriverCaller, sql: string, classes: ObjectClasses): void => {
  if (classes.size > 0 && caller.session.objectTypes.differFor(sql, classes)) caller.session.prepareAnew(sql)
}

/** The rows of a query, all of them, each as its policies say. */
export const query = (
  caller: DriverCaller,
  sql: string,
  binds: OracleBind.Binds | undefined,
  settings: ValueSettings,
  run?: RunOptions
): Effect.Effect<ReadonlyArray<Row>, ReadError> =>
  fetched(caller, sql, binds, settings, run, (reader, rows) => reader.readAll(rows, 0, sql))

/** The rows of a query as arrays, in the order of the columns, which may share names. */
export const queryValues = (
  caller: DriverCaller,
  sql: string,
  binds: OracleBind.Binds | undefined,
  settings: ValueSettings,
  run?: RunOptions
): Effect.Effect<ReadonlyArray<ReadonlyArray<unknown>>, ReadError> =>
  fetched(caller, sql, binds, settings, run, (reader, rows) => reader.readAllValues(rows, sql))

/** What can go together with other statements, told by its first word; DDL, blocks and whatever else go alone. */
const isPlainQuery = /^\s*(?:select|with)\b/i
export const isPlainChange = /^\s*(?:insert|update|delete|merge)\b/i

type ReadRows<A> = (
  reader: RowReader,
  rows: Array<Array<unknown>>
) => Effect.Effect<ReadonlyArray<A>, ReadError>

const fetched = <A>(
  caller: DriverCaller,
  sql: string,
  binds: OracleBind.Binds | undefined,
  settings: ValueSettings,
  run: RunOptions | undefined,
  read: ReadRows<A>
): Effect.Effect<ReadonlyArray<A>, ReadError> =>
  withClasses(caller, [binds], (classes) =>
    sent(sql, (text) =>
      caller.statementThen(
        {
          operation: "query",
          sql: text,
          discard: discardResult,
          isAutoCommit: run?.autoCommit,
          // The handles of LOBs belong to the call that gave them.
          isJoinable: settings.lobs === "value" && classes.size === 0 && isPlainQuery.test(text)
        },
        () => {
          checkBinds(binds, caller, "query")
          noteClasses(caller, text, classes)
          const options = executeOptions(settings)
          return {
            _tag: "Query",
            sql: text,
            binds: writeBinds(binds, settings, classes),
            options: run === undefined ? options : { ...options, ...run }
          }
        },
        ({ metaData, rows }) =>
          metaData === undefined || rows === undefined
            ? Effect.succeed([])
            : withSettings(settings, (now) => read(new RowReader(metaData, now, handlesOf(caller, now)), rows))
      )))

/** The rows of a query as a stream over its cursor. */
export const queryStream = (
  caller: DriverCaller,
  sql: string,
  binds: OracleBind.Binds | undefined,
  settings: ValueSettings,
  run?: RunOptions
): Stream.Stream<Row, ReadError> => {
  const open = withClasses(caller, [binds], (classes) =>
    sent(sql, (text) =>
      caller.call(
        { operation: "query", sql: text, discard: discardResult, isAutoCommit: run?.autoCommit },
        (connection) => {
          checkBinds(binds, caller, "query")
          noteClasses(caller, text, classes)
          return connection.execute(text, writeBinds(binds, settings, classes), {
            ...executeOptions(settings),
            ...run,
            // Rows that may never be asked for are not worth a larger first answer than later ones.
            prefetchRows: settings.fetchArraySize,
            resultSet: true
          })
        }
      )))
  return openedStream(caller, Effect.map(open, ({ resultSet }) => resultSet), settings, sql)
}

export const unfit = (outBinds: object): RowDecodeError | undefined => {
  for (const [name, value] of Object.entries(outBinds)) {
    const found = Array.isArray(value) ? value.find((each) => each instanceof Unfit) : value
    if (found instanceof Unfit) {
      const row = Array.isArray(value) ? value.indexOf(found) + 1 : 1
      return new RowDecodeError({ row, column: name, problem: found.problem })
    }
  }
  return undefined
}

/** One statement with everything that it may give. */
export const execute = <const B extends OracleBind.Binds>(
  caller: DriverCaller,
  sql: string,
  binds: B | undefined,
  settings: ValueSettings,
  run?: RunOptions
): Effect.Effect<ExecuteResult<B>, ReadError> =>
  withClasses(
    caller,
    [binds],
    Effect.fnUntraced(function*(classes): Effect.fn.Return<ExecuteResult<B>, ReadError> {
      const result = yield* sent(sql, (text) =>
        caller.statementThen(
          {
            operation: "execute",
            sql: text,
            discard: discardResult,
            isAutoCommit: run?.autoCommit,
            isJoinable: classes.size === 0 && isPlainChange.test(text)
          },
          () => {
            checkBinds(binds, caller, "execute")
            noteClasses(caller, text, classes)
            return {
              _tag: "Execute",
              sql: text,
              binds: writeBinds(binds, settings, classes),
              options: { ...executeOptions(settings), ...run, resultSet: true }
            }
          },
          Effect.succeed
        ))
      const now = yield* withSettings(settings, Effect.succeed)
      const handles = handlesOf(caller, now)
      const outBinds = readOutBinds(binds, result.outBinds, now, handles)
      const implicitResults = (result.implicitResults ?? []).map((resultSet) => {
        caller.own(resultSet)
        return cursorStream(caller, resultSet, settings, sql)
      })
      const misfit = unfit(outBinds)
      if (misfit !== undefined) return yield* misfit
      let rows: ReadonlyArray<Row> = []
      if (result.resultSet !== undefined) {
        caller.own(result.resultSet)
        rows = yield* Stream.runCollect(cursorStream(caller, result.resultSet, settings, sql))
      }
      return {
        rowsAffected: result.rowsAffected ?? 0,
        lastRowid: result.lastRowid,
        rows,
        // What came back is described by the binds that asked for it.
        outBinds: outBinds as OracleBind.OutValues<B>,
        implicitResults,
        warning: result.warning === undefined
          ? undefined
          : OracleError.fromDriver(result.warning, { operation: "execute", sql, secrets: caller.session.secrets })
      }
    })
  )

const notAName = (name: string): Effect.Effect<never, CallError> =>
  Effect.fail(
    new OracleError.OracleError({
      reason: new OracleError.SqlSyntaxError({
        codes: [],
        operation: "call",
        isRetryable: false,
        isSessionFatal: false,
        cause: undefined,
        message: `${JSON.stringify(name)} cannot be the name of a procedure, a function or an argument`
      })
    })
  )

const argumentsOf = (args: OracleBind.Binds): string | undefined => {
  if (Array.isArray(args)) return args.map((_, index) => `:a${index + 1}`).join(", ")
  const names = Object.keys(args)
  return names.every(isSimpleName) ? names.map((name) => `${name} => :${name}`).join(", ") : undefined
}

/** A procedure, or a function whose value is bound under `result` or comes first. */
export const callRoutine = <const B extends OracleBind.Binds>(
  caller: DriverCaller,
  name: string,
  args: B,
  result: OracleBind.Bind | undefined,
  settings: ValueSettings
): Effect.Effect<{ readonly value: unknown; readonly outBinds: OracleBind.OutValues<B> }, ReadError> => {
  if (typeof name !== "string") return Effect.fail(wrongArgument("call", "The name of a routine", "a text", name))
  if (typeof args !== "object" || args === null) {
    return Effect.fail(wrongArgument("call", "The arguments of a routine", "an array or an object", args))
  }
  if (result !== undefined && (!OracleBind.isDescribed(result) || !isKnownType(result.type))) {
    return Effect.fail(wrongArgument("call", "What a function returns", "the name of a type, or an OUT bind", result))
  }
  const list = argumentsOf(args)
  if (!isName(name) || list === undefined) return notAName(name)
  const invocation = list === "" ? name : `${name}(${list})`
  if (result === undefined) {
    return Effect.map(execute(caller, `begin ${invocation}; end;`, args, settings), ({ outBinds }) => ({
      value: undefined,
      outBinds
    }))
  }
  const sql = `begin :sp_result := ${invocation}; end;`
  const binds: OracleBind.Binds = Array.isArray(args)
    ? [result, ...args as ReadonlyArray<OracleBind.Bind>]
    : { sp_result: result, ...args }
  return Effect.map(execute(caller, sql, binds, settings), ({ outBinds }) => {
    const values = outBinds as ReadonlyArray<unknown> | { readonly [name: string]: unknown }
    const value = Array.isArray(values) ? values[0] : Reflect.get(values, "sp_result")
    const rest = Array.isArray(values)
      ? values.slice(1)
      : Object.fromEntries(Object.entries(values).filter(([key]) => key !== "sp_result"))
    return { value, outBinds: rest as OracleBind.OutValues<B> }
  })
}
