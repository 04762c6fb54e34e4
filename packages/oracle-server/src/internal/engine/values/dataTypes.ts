/** What a type is made of: its name, its limits, the attributes or elements of a composite one. Values are elsewhere. */

/** The data types a column, a bind or a returned value can have. `number` on the wire is the driver's own type number. */
export type TypeName =
  | "VARCHAR2"
  | "NVARCHAR2"
  | "CHAR"
  | "NCHAR"
  | "LONG"
  | "NUMBER"
  | "BINARY_INTEGER"
  | "BINARY_FLOAT"
  | "BINARY_DOUBLE"
  | "RAW"
  | "LONG RAW"
  | "DATE"
  | "TIMESTAMP"
  | "TIMESTAMP WITH TIME ZONE"
  | "TIMESTAMP WITH LOCAL TIME ZONE"
  | "INTERVAL YEAR TO MONTH"
  | "INTERVAL DAY TO SECOND"
  | "BOOLEAN"
  | "CLOB"
  | "NCLOB"
  | "BLOB"
  | "JSON"
  | "VECTOR"
  | "ROWID"
  | "UROWID"
  /** An object, a collection or a record: which one, its type says. */
  | "OBJECT"
  | "CURSOR"

/** The static type of an expression, a column or a variable. */
export interface SqlType {
  readonly name: TypeName | "NULL"
  /** NUMBER: decimal digits, 0 when unconstrained. Intervals: digits of the leading field. */
  readonly precision: number
  /** NUMBER: -127 when unconstrained. TIMESTAMP and INTERVAL DAY TO SECOND: fractional digits. */
  readonly scale: number
  /** Bytes, for character types and RAW; 0 = no limit known. */
  readonly size: number
  /** Limit in characters when declared with CHAR semantics, else 0. */
  readonly chars: number
  /** Of a record, an object or a collection. */
  readonly composite?: CompositeType
  readonly vector?: { readonly dimensions: number; readonly format: "FLOAT32" | "FLOAT64" | "INT8" | "BINARY" | "ANY" }
}

interface Attribute {
  readonly name: string
  readonly type: SqlType
  readonly notNull?: boolean
}

/** Where a type was made: the parts are undefined for one that a block declares. */
interface Origin {
  readonly owner: string | undefined
  readonly package: string | undefined
  readonly name: string
}

/** CREATE TYPE … AS OBJECT. */
export interface ObjectType extends Origin {
  readonly kind: "object"
  /** Those of its supertype come first. */
  readonly attributes: ReadonlyArray<Attribute>
  /** UNDER which it stands. */
  readonly supertype: ObjectType | undefined
  readonly final: boolean
  readonly instantiable: boolean
}

/** A record of PL/SQL; `%ROWTYPE` gives one too. */
export interface RecordType extends Origin {
  readonly kind: "record"
  readonly attributes: ReadonlyArray<Attribute>
}

/** `numbers` and `texts` are index-by tables. */
export interface CollectionType extends Origin {
  readonly kind: "collection"
  readonly form: "table" | "varray" | "numbers" | "texts"
  readonly element: SqlType
  /** Of a VARRAY. */
  readonly limit: number | undefined
  /** What indexes an index-by table. */
  readonly key: SqlType | undefined
}

export type CompositeType = ObjectType | RecordType | CollectionType
