/** What can stand in the place of a value in a statement and is more than one. */
import * as Statement from "effect/sql/Statement"
import * as OracleBind from "../OracleBind.ts"
import type { LobKind, LobSource } from "./lobWriter.ts"
import { fragmentOf } from "./sqlParameter.ts"

/**
 * A text or bytes of any length, or a stream of them, written into a temporary LOB before the statement runs.
 *
 * **When to use**
 *
 * Use where a CLOB, NCLOB or BLOB comes as a stream, so that it is never held in memory as a whole. What is in memory already can be bound
 * as it is.
 *
 * **Example** (A text from a stream)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect, Stream } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const save = Effect.flatMap(SqlClient.SqlClient, (sql) =>
 *   sql`insert into ${sql("letters")} ${
 *     sql.insert({ id: 1, body: OracleClient.lob("clob", Stream.make("Dear ", "Ada")) })
 *   }`)
 * ```
 *
 * @category parameters
 * @since 0.1.0
 */
export const lob = <E = never>(kind: LobKind, source: LobSource<E, never>): Statement.Fragment =>
  fragmentOf({ _tag: "LobParameter", kind, source })

/**
 * A value that a PL/SQL block gives: the statement's result is one row with the values under their names.
 *
 * **When to use**
 *
 * Use for OUT parameters, and for the value of a function.
 *
 * **Example** (The value of a function)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const total = Effect.flatMap(SqlClient.SqlClient, (sql) =>
 *   sql<{ total: number }>`begin ${OracleClient.out("total", "number")} := pay_of(${1}); end;`)
 * ```
 *
 * @category parameters
 * @since 0.1.0
 */
export const out = (
  name: string,
  type: OracleBind.AnyType,
  sizes?: OracleBind.BindSizes
): Statement.Fragment => fragmentOf({ _tag: "OutParameter", name, bind: OracleBind.out(type, sizes) })

/**
 * A value that goes into a block and comes back changed, under its name in the one row of the result.
 *
 * **When to use**
 *
 * Use for IN OUT parameters.
 *
 * **Example** (A value that comes back changed)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const doubled = Effect.flatMap(SqlClient.SqlClient, (sql) =>
 *   sql`begin double(${OracleClient.inOut("n", "number", 21)}); end;`)
 * ```
 *
 * @category parameters
 * @since 0.1.0
 */
export const inOut = <T extends Exclude<OracleBind.AnyType, "cursor">>(
  name: string,
  type: T,
  value: OracleBind.ValueOf<T> | null,
  sizes?: OracleBind.BindSizes
): Statement.Fragment => fragmentOf({ _tag: "OutParameter", name, bind: OracleBind.inOut(type, value, sizes) })

/**
 * A cursor that a block opens: its rows, under its name; as the only one, its rows are those of the statement's `stream`.
 *
 * **When to use**
 *
 * Use for a parameter of type SYS_REFCURSOR.
 *
 * **Example** (The rows of a cursor)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect, Stream } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const people = Stream.unwrap(Effect.map(SqlClient.SqlClient, (sql) =>
 *   sql`begin open_people(${OracleClient.cursor("people")}); end;`.stream))
 * ```
 *
 * @category parameters
 * @since 0.1.0
 */
export const cursor = (name: string): Statement.Fragment => out(name, "cursor")

/**
 * A value that is sent as a type of its own, where the value does not say enough: DATE for TIMESTAMP, NVARCHAR2, a VECTOR.
 *
 * **When to use**
 *
 * Use where the column or parameter has a type that the value alone is not sent as; most often for an index on a DATE that a TIMESTAMP would not use.
 *
 * **Example** (A DATE)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 *
 * const day = OracleClient.typed("date", new Date(0))
 * ```
 *
 * @category parameters
 * @since 0.1.0
 */
export const typed = <T extends Exclude<OracleBind.AnyType, "cursor">>(
  type: T,
  value: OracleBind.ValueOf<T> | null,
  sizes?: OracleBind.BindSizes
): Statement.Fragment => fragmentOf({ _tag: "TypedParameter", bind: OracleBind.input(type, value, sizes) })

/**
 * The values of a collection as a query, for `IN`: one bind for a list of any length, so that the statement is parsed once.
 *
 * **When to use**
 *
 * Use where the database has a collection type (`create type id_list as table of number`) and lists differ in length. `sql.in` needs no
 * type, and is another statement for each length.
 *
 * **Example** (Rows by their keys)
 *
 * ```ts
 * import { OracleBind, OracleClient } from "@sessionpool/oracle"
 * import { Effect, Schema } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const ids = OracleBind.collection("ID_LIST", Schema.Number)
 *
 * const byIds = (wanted: ReadonlyArray<number>) =>
 *   Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select * from people where id in ${OracleClient.list(ids, wanted)}`)
 * ```
 *
 * @category parameters
 * @since 0.1.0
 */
export const list = <A>(type: OracleBind.CollectionType<A>, values: ReadonlyArray<A>): Statement.Fragment =>
  Statement.fragment([
    Statement.literal("(SELECT COLUMN_VALUE FROM TABLE("),
    ...typed(type, values).segments,
    Statement.literal("))")
  ])

/**
 * A JSON document, also when it is a text or a number; plain objects and arrays are sent as JSON without it.
 *
 * **When to use**
 *
 * Use for a JSON document that is a text, a number or a boolean at its top.
 *
 * **Example** (A document)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 *
 * const settings = OracleClient.json({ theme: "dark" })
 * ```
 *
 * @category parameters
 * @since 0.1.0
 */
export const json = (value: unknown): Statement.Fragment => fragmentOf({ _tag: "JsonParameter", value })

/**
 * The first rows of a query, or those after `offset`: `OFFSET … ROWS FETCH NEXT … ROWS ONLY`, from 12c on.
 *
 * **When to use**
 *
 * Use to show results in pages; order by something unique, or a row may be on two pages.
 *
 * **Example** (The third page)
 *
 * ```ts
 * import { OracleClient } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 *
 * const page = Effect.flatMap(SqlClient.SqlClient, (sql) =>
 *   sql`select * from people order by id ${OracleClient.limit(10, { offset: 20 })}`)
 * ```
 *
 * @category parameters
 * @since 0.1.0
 */
export const limit = (rows: number, options?: { readonly offset?: number | undefined }): Statement.Fragment =>
  Statement.fragment([
    ...(options?.offset === undefined
      ? []
      : [Statement.literal("OFFSET "), Statement.parameter(options.offset), Statement.literal(" ROWS ")]),
    Statement.literal("FETCH NEXT "),
    Statement.parameter(rows),
    Statement.literal(" ROWS ONLY")
  ])
