/**
 * Bind values: what a statement is given, and what it gives back.
 *
 * A plain value is an IN bind; its type says how it is sent. {@link input} names the type where that is not enough, {@link out} and
 * {@link inOut} ask for values back, {@link returning} does for the RETURNING clause, where each row gives one.
 */
import type * as BigDecimal from "effect/BigDecimal"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Stream from "effect/Stream"
import type { CallError } from "./internal/caller.ts"
import type { RowDecodeError } from "./internal/rowDecodeError.ts"
import type { Row } from "./internal/rowReader.ts"
import type { YearMonth } from "./OracleInterval.ts"
import type { OracleLob } from "./OracleLob.ts"

/**
 * The types of binds, and what their values are in the program.
 *
 * **Details**
 *
 * `"number"`, `"bigint"`, `"bigDecimal"` and `"double"` are all NUMBER; the word says how a value that comes back is read. As OUT
 * binds they travel as text, because the driver would read a NUMBER as a double; `"double"` is sent as BINARY_DOUBLE.
 *
 * **Example** (Values by their types)
 *
 * ```ts
 * import type { OracleBind } from "@sessionpool/oracle"
 *
 * const id: OracleBind.ValueOf<"bigint"> = 42n
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface BindTypes {
  readonly string: string
  readonly nstring: string
  readonly char: string
  readonly number: number
  readonly bigint: bigint
  readonly bigDecimal: BigDecimal.BigDecimal
  readonly double: number
  readonly boolean: boolean
  /** DATE, in the zone of the policy. */
  readonly date: Date
  /** TIMESTAMP, in the zone of the policy. */
  readonly timestamp: Date
  readonly timestampTz: Date
  readonly timestampLtz: Date
  /** INTERVAL DAY TO SECOND. */
  readonly intervalDs: Duration.Duration
  /** INTERVAL YEAR TO MONTH. */
  readonly intervalYm: YearMonth
  readonly raw: Uint8Array
  readonly clob: OracleLob
  readonly nclob: OracleLob
  readonly blob: OracleLob
  readonly json: unknown
  readonly vector: Float32Array | Float64Array | Int8Array | Uint8Array
  readonly rowid: string
  /** A REF CURSOR, as the stream of its rows; only OUT. */
  readonly cursor: Stream.Stream<Row, CallError | RowDecodeError>
}

/**
 * The name of a bind's type.
 *
 * **Example** (The name of a type)
 *
 * ```ts
 * import type { OracleBind } from "@sessionpool/oracle"
 *
 * const type: OracleBind.BindType = "timestampTz"
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type BindType = keyof BindTypes

/**
 * The value of a bind of type `T`.
 *
 * **Example** (The value of a bind)
 *
 * ```ts
 * import type { OracleBind } from "@sessionpool/oracle"
 *
 * const name: OracleBind.ValueOf<"string"> = "ada"
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type ValueOf<T extends BindType> = BindTypes[T]

/**
 * Sizes of a bind that comes back, or of one in a batch.
 *
 * **Details**
 *
 * `maxSize` is the room for text and bytes that come back, in bytes; default 4000. `maxArraySize` makes the bind a PL/SQL
 * collection (index-by table) of up to that many elements.
 *
 * **Example** (Room for an answer)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const report = OracleBind.out("string", { maxSize: 32767 })
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface BindSizes {
  readonly maxSize?: number | undefined
  readonly maxArraySize?: number | undefined
}

/** Tells a described bind from a plain value. */
const TypeId = "~sessionpool/oracle/OracleBind"

interface Described<D extends "in" | "out" | "inout" | "returning", T extends BindType> extends BindSizes {
  readonly [TypeId]: D
  readonly type: T
  readonly value: unknown
}

/**
 * An IN bind whose type is named.
 *
 * **Example** (A JSON document)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const document: OracleBind.InBind = OracleBind.input("json", { tags: ["a"] })
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface InBind extends Described<"in", BindType> {}

/**
 * A bind that gives a value back; `undefined` never comes, null does.
 *
 * **Example** (A result of PL/SQL)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const total: OracleBind.OutBind<"bigDecimal"> = OracleBind.out("bigDecimal")
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface OutBind<T extends BindType> extends Described<"out", T> {}

/**
 * A bind that takes a value and gives one back.
 *
 * **Example** (A value that goes both ways)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const counter: OracleBind.InOutBind<"number"> = OracleBind.inOut("number", 1)
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface InOutBind<T extends BindType> extends Described<"inout", T> {}

/**
 * A bind of a RETURNING clause: one value for each row that the statement has changed.
 *
 * **Example** (Keys of new rows)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const ids: OracleBind.ReturningBind<"number"> = OracleBind.returning("number")
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface ReturningBind<T extends BindType> extends Described<"returning", T> {}

/**
 * What can be bound as it is.
 *
 * **Details**
 *
 * A `BigDecimal` is sent as a NUMBER with all its digits: as such where the driver can, else as text that the server
 * converts. A `Date` is a TIMESTAMP in the zone of the date policy, a `DateTime` a TIMESTAMP WITH TIME ZONE. A `Duration` is an
 * INTERVAL DAY TO SECOND, `OracleInterval.YearMonth` an INTERVAL YEAR TO MONTH. `Uint8Array` is RAW, other typed arrays are vectors.
 *
 * A value that its type cannot hold is an `OracleError` that names the bind, before anything is sent: a number that is not finite or
 * is out of NUMBER's range, an invalid date, or one outside of the years 1 to 9999, also inside of a JSON document.
 *
 * **Example** (Plain values)
 *
 * ```ts
 * import type { OracleBind } from "@sessionpool/oracle"
 *
 * const values: ReadonlyArray<OracleBind.BindValue> = ["ada", 42, 42n, true, null, new Date(), new Uint8Array(2)]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type BindValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Date
  | DateTime.DateTime
  | BigDecimal.BigDecimal
  | Duration.Duration
  | YearMonth
  | Uint8Array
  | Float32Array
  | Float64Array
  | Int8Array
  | OracleLob
  | ReadonlyArray<string | number | bigint | null>

/**
 * One bind of a statement.
 *
 * **Example** (One bind)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const bind: OracleBind.Bind = OracleBind.out("number")
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type Bind =
  | BindValue
  | InBind
  | OutBind<BindType>
  | InOutBind<BindType>
  | ReturningBind<BindType>

/**
 * The binds of a statement, by name (without the colon) or by position.
 *
 * **Example** (By name and by position)
 *
 * ```ts
 * import type { OracleBind } from "@sessionpool/oracle"
 *
 * const byName: OracleBind.Binds = { id: 1, name: "ada" }
 * const byPosition: OracleBind.Binds = [1, "ada"]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type Binds = { readonly [name: string]: Bind } | ReadonlyArray<Bind>

/**
 * The values that come back from binds `B`: by name for names, in their order for positions.
 *
 * **Example** (What comes back)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const binds = { id: 1, name: OracleBind.out("string") }
 * const values: OracleBind.OutValues<typeof binds> = { name: "ada" }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type OutValues<B> = B extends ReadonlyArray<unknown> ? ReadonlyArray<unknown> : {
  readonly [K in keyof B as B[K] extends OutBind<BindType> | InOutBind<BindType> | ReturningBind<BindType> ? K : never]:
    OutValue<B[K]>
}

type OutValue<B> = B extends ReturningBind<infer T> ? ReadonlyArray<ValueOf<T> | null>
  : B extends OutBind<infer T> | InOutBind<infer T> ? ValueOf<T> | null
  : never

const describe = <D extends "in" | "out" | "inout" | "returning", T extends BindType>(
  direction: D,
  type: T,
  value: unknown,
  sizes: BindSizes | undefined
): Described<D, T> => ({ ...sizes, [TypeId]: direction, type, value })

/**
 * An IN bind of a named type: for JSON, for DATE instead of TIMESTAMP, for a null of some type.
 *
 * **When to use**
 *
 * Use where a plain value would be sent as another type than the one wanted.
 *
 * **Example** (JSON)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const binds = { hired: OracleBind.input("date", new Date()), notes: OracleBind.input("json", { level: 3 }) }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const input = <T extends Exclude<BindType, "cursor">>(
  type: T,
  value: ValueOf<T> | string | Uint8Array | null,
  sizes?: BindSizes
): InBind => describe("in", type, value, sizes)

/**
 * An OUT bind of PL/SQL.
 *
 * **When to use**
 *
 * Use for OUT parameters of procedures, and for the result of a function.
 *
 * **Example** (The result of a function)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const binds = { name: OracleBind.out("string"), rows: OracleBind.out("cursor") }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const out = <T extends BindType>(type: T, sizes?: BindSizes): OutBind<T> =>
  describe("out", type, undefined, sizes)

/**
 * An IN OUT bind of PL/SQL.
 *
 * **When to use**
 *
 * Use for IN OUT parameters of procedures.
 *
 * **Example** (A parameter that goes both ways)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const binds = { counter: OracleBind.inOut("bigint", 41n) }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const inOut = <T extends Exclude<BindType, "cursor">>(
  type: T,
  value: ValueOf<T> | null,
  sizes?: BindSizes
): InOutBind<T> => describe("inout", type, value, sizes)

/**
 * A bind of `RETURNING ... INTO`; it gives an array, a value for each row.
 *
 * **When to use**
 *
 * Use to read generated keys and defaults in the round trip of the insert.
 *
 * **Example** (The key of a new row)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const sql = "insert into jobs (name) values (:name) returning id into :id"
 * const binds = { name: "nightly", id: OracleBind.returning("number") }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const returning = <T extends BindType>(type: T, sizes?: BindSizes): ReturningBind<T> =>
  describe("returning", type, undefined, sizes)

/**
 * Whether a bind is described rather than a plain value.
 *
 * **When to use**
 *
 * Use in code that takes binds and passes them on.
 *
 * **Example** (A plain value is not)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * console.log(OracleBind.isDescribed(OracleBind.out("number"))) // true
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isDescribed = (
  bind: unknown
): bind is InBind | OutBind<BindType> | InOutBind<BindType> | ReturningBind<BindType> =>
  typeof bind === "object" && bind !== null && TypeId in bind

/**
 * Which way a described bind goes.
 *
 * **When to use**
 *
 * Use in code that takes binds and passes them on.
 *
 * **Example** (An OUT bind)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * console.log(OracleBind.directionOf(OracleBind.out("number"))) // "out"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const directionOf = (
  bind: InBind | OutBind<BindType> | InOutBind<BindType> | ReturningBind<BindType>
): "in" | "out" | "inout" | "returning" => bind[TypeId]
