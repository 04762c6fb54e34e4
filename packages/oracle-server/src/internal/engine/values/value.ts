/** Values, columns and sessions as the wire side sees them: the lowest part of the contract, which every room may use. */
import type { CompositeType, TypeName } from "./dataTypes.ts"

/**
 * DATE and the TIMESTAMPs as calendar fields.
 *
 * For `TIMESTAMP WITH TIME ZONE` the fields are the wall clock in the value's own zone and `offsetMinutes` is that zone's
 * distance from UTC (UTC = fields - offset). For `TIMESTAMP WITH LOCAL TIME ZONE` the fields are in the database time zone
 * (UTC, offset 0), as the wire carries them. DATE and TIMESTAMP have no zone: `offsetMinutes` is 0 and means nothing.
 */
export interface DateTime {
  readonly _tag: "DateTime"
  /** -4712 to 9999. */
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly nanosecond: number
  readonly offsetMinutes: number
}

/** All parts carry the sign of the whole. */
export interface IntervalYearToMonth {
  readonly _tag: "IntervalYearToMonth"
  readonly years: number
  readonly months: number
}

/** All parts carry the sign of the whole. */
export interface IntervalDayToSecond {
  readonly _tag: "IntervalDayToSecond"
  readonly days: number
  readonly hours: number
  readonly minutes: number
  readonly seconds: number
  readonly nanoseconds: number
}

/** A JSON value: what `JSON.parse` gives. */
interface JsonValue {
  readonly _tag: "Json"
  readonly value: unknown
}

/** A dense VECTOR. `BINARY` holds one number a byte (8 dimensions each). */
export interface VectorValue {
  readonly _tag: "Vector"
  readonly format: "FLOAT32" | "FLOAT64" | "INT8" | "BINARY"
  readonly values: ReadonlyArray<number>
}

/**
 * A LOB locator. Offsets are 1-based and, like lengths, in characters for CLOB and NCLOB (UTF-16 units, as the server counts
 * them for a variable-width character set) and in bytes for BLOB.
 */
export interface Lob {
  readonly _tag: "Lob"
  readonly type: "CLOB" | "NCLOB" | "BLOB"
  readonly temporary: boolean
  readonly chunkSize: number
  length(): number
  /** Text for CLOB and NCLOB, bytes for BLOB; empty at or past the end. */
  read(offset: number, amount: number): string | Uint8Array
  /**
   * Writes at `offset`, filling a gap with blanks (zero bytes for BLOB).
   * A persistent LOB whose row this session has not locked fails with ORA-22920.
   */
  write(offset: number, data: string | Uint8Array): void
  trim(length: number): void
  /** Ends a temporary LOB; later use fails with ORA-22922. */
  free(): void
}

/**
 * An open query. Rows are produced as they are fetched; the read is consistent with the moment of the execution.
 * Close it (piggyback 105, cancel, end of call for an unused one) with `closeCursor` of the session.
 */
export interface Cursor {
  readonly _tag: "Cursor"
  readonly columns: ReadonlyArray<Column>
  /** True when the last row has been handed out: ORA-01403 may ride with those rows. */
  readonly exhausted: boolean
  /** Rows handed out so far. */
  readonly rowCount: number
}

/**
 * One value. The column's or the bind's type says which form it takes:
 *
 * - NUMBER, BINARY_INTEGER: decimal text, `-?digits[.digits][E[+-]digits]`; what the engine hands out has no exponent, no
 *   leading zeros before or trailing zeros after the point, and keeps all of the (up to 40) digits;
 * - BINARY_FLOAT, BINARY_DOUBLE: number;
 * - VARCHAR2, NVARCHAR2, CHAR, NCHAR, LONG, ROWID, UROWID: text, never empty (the empty string is null both ways);
 * - RAW, LONG RAW: bytes;
 * - DATE and the TIMESTAMPs: {@link DateTime}; intervals: {@link IntervalYearToMonth}, {@link IntervalDayToSecond};
 * - BOOLEAN: boolean; JSON: {@link JsonValue}; VECTOR: {@link VectorValue};
 * - CLOB, NCLOB, BLOB: {@link Lob} out of the engine. Into the engine: a {@link Lob}, text or bytes;
 * - CURSOR: {@link Cursor}.
 */
export type Value =
  | null
  | string
  | number
  | boolean
  | Uint8Array
  | DateTime
  | IntervalYearToMonth
  | IntervalDayToSecond
  | JsonValue
  | VectorValue
  | Lob
  | Cursor
  | ObjectValue

/** An object, a record or a collection. */
export interface ObjectValue {
  readonly _tag: "Object"
  readonly type: CompositeType
  /** Of the attributes, or of the elements in order. */
  readonly values: ReadonlyArray<Value>
  /** Of the elements of an index-by table. */
  readonly keys?: ReadonlyArray<number | string>
}

export type Row = ReadonlyArray<Value>

/** What DESCRIBE tells about a column of a query. */
export interface Column {
  readonly name: string
  readonly type: TypeName
  /** NUMBER: 0 with `scale` -127 for an unconstrained number or an expression. Intervals: leading field digits. */
  readonly precision: number
  /** NUMBER: scale. TIMESTAMP and INTERVAL DAY TO SECOND: digits of the fractional second. */
  readonly scale: number
  /** Bytes in the database; never 0. LOBs, JSON, VECTOR: what the server reports for a locator. */
  readonly maxSize: number
  /** Characters for character types, otherwise 0. */
  readonly maxChars: number
  readonly nullable: boolean
  /** True for the national character set (NVARCHAR2, NCHAR, NCLOB): csfrm 2. */
  readonly national: boolean
  /** True when the column carries an IS JSON check constraint. */
  readonly isJson: boolean
  /** Of an object or a collection. */
  readonly composite?: CompositeType
  readonly vector?: { readonly dimensions: number; readonly format: VectorValue["format"] | "ANY" }
}

/** Every failure the engine raises: `OraError` of `oraError.ts` is its class. */
export interface OraErrorLike extends Error {
  readonly code: number
  /** The whole text, starting with `ORA-nnnnn: `; further lines for an error stack. */
  readonly message: string
  /** Offset of the error in the text, in characters from 0; 0 when it has no place. */
  readonly offset: number
  /** Array DML: the iterations before the failing one, and the rows that they touched. */
  readonly done?: { readonly iterations: number; readonly rowCount: number }
}

/** Who logs on, and from where. */
export interface SessionInfo {
  /** The schema user, upper case. Its schema comes into being at the first logon. */
  readonly user: string
  /** The proxy that opened the session for `user`. */
  readonly proxyUser?: string
  readonly sid: number
  readonly serial: number
  readonly service: string
  /** The instance that serves it, where several share the database; by default the engine's own. */
  readonly instance?: string
  /** Its number among the instances of the database, from 1; by default 1. */
  readonly instanceNumber?: number
  readonly program?: string
  readonly machine?: string
  readonly osUser?: string
  readonly terminal?: string
  readonly processId?: string
  readonly driverName?: string
  readonly clientAddress?: string
  readonly edition?: string
  /** `+02:00` or a region name; the driver sends it as `ALTER SESSION SET TIME_ZONE` during logon. */
  readonly timeZone?: string
  /** Dedicated, or pooled by DRCP. */
  readonly server?: "DEDICATED" | "POOLED"
  readonly connectionClass?: string
  readonly authenticationMethod?: string
  /** `tcp`, the default, or `tcps`. */
  readonly networkProtocol?: string
  /** What a certificate or a token calls the user; absent with a password. */
  readonly externalName?: string
}

/** What the driver says about a bind with the execution. */
export interface BindType {
  readonly type: TypeName
  /** Bytes; the room an OUT value has. 0 = not said. */
  readonly maxSize: number
  /** Of an object, a record or a collection. */
  readonly composite?: CompositeType
  /** Present for a PL/SQL index-by table: the room in elements. The bind's value is then a {@link BindArray}. */
  readonly maxElements?: number
}

/** Attributes the driver sets with the end-to-end piggyback. Absent = leave as it is; null or empty = clear. */
export interface EndToEnd {
  readonly module?: string | null
  readonly action?: string | null
  readonly clientId?: string | null
  readonly clientInfo?: string | null
  readonly dbOp?: string | null
  readonly ecid?: string | null
}
