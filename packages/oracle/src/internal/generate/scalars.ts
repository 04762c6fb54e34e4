/** What the types that the database brings along are as binds, in schemas and in TypeScript. */
import type { BindType, ElementType } from "../../OracleBind.ts"

/** How NUMBERs are to be read and written. */
export type Numbers = "number" | "bigDecimal"

export interface Scalar {
  readonly bind: BindType
  /** Whether it can be an attribute, or an element of a collection, as the driver has them. */
  readonly isPart: boolean
  /** The schema of its values in rows. */
  readonly schema: string
}

const part = (bind: BindType, schema: string): Scalar => ({ bind, schema, isPart: true })
const whole = (bind: BindType, schema: string): Scalar => ({ bind, schema, isPart: false })

const string = part("string", "Schema.String")
const double = part("double", "Schema.Number")
const integer = part("number", "Schema.Number")
const boolean = part("boolean", "Schema.Boolean")

const fixed: Readonly<Record<string, Scalar>> = {
  VARCHAR2: string,
  VARCHAR: string,
  NVARCHAR2: part("nstring", "Schema.String"),
  CHAR: part("char", "Schema.String"),
  NCHAR: part("nstring", "Schema.String"),
  LONG: whole("string", "Schema.String"),
  BINARY_INTEGER: integer,
  PLS_INTEGER: integer,
  BINARY_FLOAT: double,
  BINARY_DOUBLE: double,
  DATE: part("date", "Schema.Date"),
  TIMESTAMP: part("timestamp", "Schema.Date"),
  "TIMESTAMP WITH TIME ZONE": part("timestampTz", "Schema.Date"),
  "TIMESTAMP WITH LOCAL TIME ZONE": part("timestampLtz", "Schema.Date"),
  RAW: part("raw", "Schema.Uint8Array"),
  "LONG RAW": whole("raw", "Schema.Uint8Array"),
  BOOLEAN: boolean,
  "PL/SQL BOOLEAN": boolean,
  CLOB: whole("clob", "Schema.String"),
  NCLOB: whole("nclob", "Schema.String"),
  BLOB: whole("blob", "Schema.Uint8Array"),
  ROWID: whole("rowid", "Schema.String"),
  UROWID: whole("rowid", "Schema.String"),
  JSON: whole("json", "Schema.Unknown"),
  VECTOR: whole("vector", "Schema.Unknown"),
  "INTERVAL DAY TO SECOND": whole("intervalDs", "Schema.Duration"),
  "INTERVAL YEAR TO MONTH": whole("intervalYm", "Schema.Unknown")
}

const numeric = new Set(
  ["NUMBER", "FLOAT", "INTEGER", "INT", "SMALLINT", "DECIMAL", "DEC", "NUMERIC", "REAL", "DOUBLE PRECISION"]
)

/** The type of this name in the dictionary, whose views spell some in their own ways. */
export const scalarOf = (name: string, numbers: Numbers): Scalar | undefined => {
  const plain = name.replace(/\(\d+\)/g, "").replace(/ TZ$/, " TIME ZONE")
  return numeric.has(plain)
    ? part(numbers, numbers === "number" ? "Schema.Number" : "Schema.BigDecimal")
    : fixed[plain]
}

const written: Partial<Record<BindType, string>> = {
  string: "string",
  nstring: "string",
  char: "string",
  rowid: "string",
  number: "number",
  double: "number",
  boolean: "boolean",
  date: "Date",
  timestamp: "Date",
  timestampTz: "Date",
  timestampLtz: "Date",
  raw: "Uint8Array",
  json: "unknown"
}

/** What a value of the bind is in TypeScript. */
export const typeScriptOf = (bind: BindType): string => written[bind] ?? `OracleBind.ValueOf<"${bind}">`

/** Whether text or bytes come back, whose room has to be asked for. */
export const hasRoom = (bind: BindType): boolean => ["string", "nstring", "char", "raw"].includes(bind)

const noElements = new Set<BindType>(["boolean", "clob", "nclob", "blob", "json", "vector", "rowid", "cursor"])

/** Whether an index-by table of it can be bound. */
export const isElement = (bind: BindType): bind is ElementType => !noElements.has(bind)
