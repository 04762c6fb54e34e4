/**
 * Bind values: what a statement is given, and what it gives back.
 *
 * A plain value is an IN bind; its type says how it is sent. {@link input} names the type where that is not enough, {@link out} and
 * {@link inOut} ask for values back, {@link returning} does for the RETURNING clause, where each row gives one.
 */
import type * as BigDecimal from "effect/BigDecimal"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { CallError } from "./internal/driverCaller.ts"
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

/** Tells the type of an index-by table, an object or a collection from the name of a type. */
const ShapeId = "~sessionpool/oracle/OracleBind/Shape"

/**
 * A schema for values of an object or a collection: it needs no services, and both of its directions are at once.
 *
 * **Example** (An address)
 *
 * ```ts
 * import type { OracleBind } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const Address: OracleBind.ValueSchema<{ readonly STREET: string }> = Schema.Struct({ STREET: Schema.String })
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type ValueSchema<A> = Schema.Codec<A, unknown>

/**
 * The types that an index-by table can have elements of.
 *
 * **Example** (A list of names)
 *
 * ```ts
 * import type { OracleBind } from "@sessionpool/oracle"
 *
 * const element: OracleBind.ElementType = "string"
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type ElementType = typeof elementTypes[number]

const elementTypes = [
  "string",
  "nstring",
  "char",
  "number",
  "bigint",
  "bigDecimal",
  "double",
  "date",
  "timestamp",
  "timestampTz",
  "timestampLtz",
  "intervalDs",
  "intervalYm",
  "raw"
] as const

/**
 * The type of a PL/SQL index-by table, made by {@link array}.
 *
 * **Example** (A list of names)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const names: OracleBind.ArrayType<"string"> = OracleBind.array("string")
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface ArrayType<T extends ElementType> extends BindSizes {
  readonly [ShapeId]: "array"
  readonly element: T
}

/**
 * The type of an object or a record, made by {@link object}.
 *
 * **Example** (The type of an object)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const address: OracleBind.ObjectType<{ readonly STREET: string }> = OracleBind.object(
 *   "ADDRESS",
 *   Schema.Struct({ STREET: Schema.String })
 * )
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface ObjectType<A> {
  readonly [ShapeId]: "object"
  readonly name: string
  readonly schema: ValueSchema<A>
}

/**
 * The type of a collection, made by {@link collection}.
 *
 * **Example** (The type of a list)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const ids: OracleBind.CollectionType<number> = OracleBind.collection("ID_LIST", Schema.Number)
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface CollectionType<A> {
  readonly [ShapeId]: "collection"
  readonly name: string
  readonly schema: ValueSchema<A>
}

/**
 * A bind's type: the name of one, or the type of an index-by table, an object or a collection.
 *
 * **Example** (Both kinds)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const types: ReadonlyArray<OracleBind.AnyType> = ["number", OracleBind.array("number")]
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type AnyType = BindType | ArrayType<ElementType> | ObjectType<unknown> | CollectionType<unknown>

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
export type ValueOf<T extends AnyType> = T extends BindType ? BindTypes[T]
  : T extends ArrayType<infer E> ? ReadonlyArray<BindTypes[E] | null>
  : T extends ObjectType<infer A> ? A
  : T extends CollectionType<infer A> ? ReadonlyArray<A>
  : never

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

interface Described<D extends "in" | "out" | "inout" | "returning", T extends AnyType> extends BindSizes {
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
export interface InBind extends Described<"in", AnyType> {}

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
export interface OutBind<T extends AnyType> extends Described<"out", T> {}

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
export interface InOutBind<T extends AnyType> extends Described<"inout", T> {}

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
export interface ReturningBind<T extends AnyType> extends Described<"returning", T> {}

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
  | OutBind<AnyType>
  | InOutBind<AnyType>
  | ReturningBind<AnyType>

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
  readonly [K in keyof B as B[K] extends OutBind<AnyType> | InOutBind<AnyType> | ReturningBind<AnyType> ? K : never]:
    OutValue<B[K]>
}

type OutValue<B> = B extends ReturningBind<infer T> ? ReadonlyArray<ValueOf<T> | null>
  : B extends OutBind<infer T> | InOutBind<infer T> ? ValueOf<T> | null
  : never

const describe = <D extends "in" | "out" | "inout" | "returning", T extends AnyType>(
  direction: D,
  type: T,
  value: unknown,
  sizes: BindSizes | undefined
): Described<D, T> => ({ ...sizes, [TypeId]: direction, type, value })

/**
 * The type of a PL/SQL index-by table (`TABLE OF ... INDEX BY PLS_INTEGER`): a list that goes in, comes back, or both.
 *
 * **When to use**
 *
 * Use for parameters of such types, as many packages have them. For `CREATE TYPE ... AS TABLE OF` use {@link collection}.
 *
 * **Details**
 *
 * `maxArraySize` is the room for elements that come back: default 1000, and at least as many as go in. `maxSize` is the room for
 * each text, in bytes; default 4000. The element's type must be that of the table: `"number"`, `"bigint"` and `"bigDecimal"` are
 * NUMBER.
 *
 * **Gotchas**
 *
 * The driver reads the NUMBERs of such a list as doubles. One that prints with more than 15 digits is a `RowDecodeError`; digits
 * beyond the seventeenth cannot be seen to be missing. The elements of a {@link collection} keep all their digits.
 *
 * **Example** (In and out)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * const binds = {
 *   names: OracleBind.input(OracleBind.array("string"), ["ada", "grace"]),
 *   lengths: OracleBind.out(OracleBind.array("number", { maxArraySize: 10 }))
 * }
 * ```
 *
 * @category types
 * @since 0.1.0
 */
export const array = <T extends ElementType>(element: T, sizes?: BindSizes): ArrayType<T> => ({
  ...sizes,
  [ShapeId]: "array",
  element
})

/**
 * The type of an object (`CREATE TYPE ... AS OBJECT`) or a record (`PKG.REC`, `TABLE%ROWTYPE`), with the schema of its values.
 *
 * **When to use**
 *
 * Use to pass objects and records to PL/SQL and back, and to insert objects.
 *
 * **Details**
 *
 * The encoded side of the schema has a property for each attribute, named as a column of that name would be (`columnNames`), in
 * capitals by default. Attributes that are objects are objects in turn, collections are arrays. Numbers are read by the policy
 * `numbers`, with all their digits. What does not fit the schema is refused before anything is sent, or is a `RowDecodeError`.
 *
 * The name is looked up once for each session, in a round trip of its own.
 *
 * **Example** (An address)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const Address = Schema.Struct({ STREET: Schema.String, ZIP: Schema.NullOr(Schema.Number) })
 *
 * const binds = {
 *   home: OracleBind.input(OracleBind.object("ADDRESS", Address), { STREET: "High Street", ZIP: 12 }),
 *   office: OracleBind.out(OracleBind.object("ADDRESS", Address))
 * }
 * ```
 *
 * @category types
 * @since 0.1.0
 */
export const object = <A>(name: string, schema: ValueSchema<A>): ObjectType<A> => ({
  [ShapeId]: "object",
  name,
  schema
})

/**
 * The type of a collection (a nested table or a varray of `CREATE TYPE`, or a list that a package declares), with the schema of its
 * elements.
 *
 * **When to use**
 *
 * Use to pass lists to PL/SQL and back, and to select by a list of any length with `table(:ids)`, which is parsed once.
 *
 * **Details**
 *
 * The value is an array. Where elements can be null the schema has to say so. The name is looked up once for each session.
 *
 * **Example** (Rows by their keys)
 *
 * ```ts
 * import { OracleBind, type OracleConnection } from "@sessionpool/oracle"
 * import { Schema } from "effect"
 *
 * const ids = OracleBind.collection("ID_LIST", Schema.Number)
 *
 * const byIds = (connection: OracleConnection.OracleConnection, wanted: ReadonlyArray<number>) =>
 *   connection.query("select * from jobs where id in (select column_value from table(:ids))", {
 *     ids: OracleBind.input(ids, wanted)
 *   })
 * ```
 *
 * @category types
 * @since 0.1.0
 */
export const collection = <A>(name: string, schema: ValueSchema<A>): CollectionType<A> => ({
  [ShapeId]: "collection",
  name,
  schema
})

/**
 * What kind of type a bind has: `"scalar"` for the name of one.
 *
 * **When to use**
 *
 * Use in code that takes binds and passes them on.
 *
 * **Example** (A list)
 *
 * ```ts
 * import { OracleBind } from "@sessionpool/oracle"
 *
 * console.log(OracleBind.shapeOf(OracleBind.array("number"))) // "array"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const shapeOf = (type: AnyType): "scalar" | "array" | "object" | "collection" =>
  typeof type === "object" && type !== null ? type[ShapeId] ?? "scalar" : "scalar"

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
export const input = <T extends Exclude<AnyType, "cursor">>(
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
export const out = <T extends AnyType>(type: T, sizes?: BindSizes): OutBind<T> =>
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
export const inOut = <T extends Exclude<AnyType, "cursor">>(
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
export const returning = <T extends AnyType>(type: T, sizes?: BindSizes): ReturningBind<T> =>
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
): bind is InBind | OutBind<AnyType> | InOutBind<AnyType> | ReturningBind<AnyType> =>
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
  bind: InBind | OutBind<AnyType> | InOutBind<AnyType> | ReturningBind<AnyType>
): "in" | "out" | "inout" | "returning" => bind[TypeId]
