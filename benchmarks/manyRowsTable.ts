/** The table of the rows with many rows: ten columns of the types that most tables are made of. */
// @ts-expect-error The driver has no types of its own.
import oracledb from "oracledb"

/** The part of the driver that is used here. */
export interface RawConnection {
  readonly execute: (sql: string, binds: ReadonlyArray<unknown>, options: object) => Promise<RawResult>
  readonly executeMany: (sql: string, rows: ReadonlyArray<unknown>, options: object) => Promise<unknown>
  readonly rollback: () => Promise<void>
  readonly close: () => Promise<void>
}

interface RawResult {
  readonly rows?: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly resultSet?: {
    readonly getRows: (count: number) => Promise<ReadonlyArray<unknown>>
    readonly close: () => Promise<void>
  }
}

type Type = { readonly name: string }

interface Driver {
  readonly OUT_FORMAT_OBJECT: number
  readonly DB_TYPE_NUMBER: Type
  readonly DB_TYPE_VARCHAR: Type
  readonly DB_TYPE_BINARY_DOUBLE: Type
  readonly DB_TYPE_TIMESTAMP: Type
  readonly DB_TYPE_RAW: Type
  readonly DB_TYPE_BLOB: Type
  readonly DB_TYPE_CLOB: Type
  readonly getConnection: (options: object) => Promise<RawConnection>
}

export const driver = oracledb as Driver

export const columns = [
  "id",
  "amount",
  "quantity",
  "ratio",
  "name",
  "city",
  "note",
  "hired",
  "changed",
  "code"
] as const

const definition = `
  id number, amount number(12, 2), quantity number(6), ratio number, name varchar2(40), city varchar2(40),
  note varchar2(200), hired date, changed timestamp, code raw(16)
`

/** A table to read with so many rows, and an empty one to write. */
export const script = (rows: number): string => `
  create table many_rows (${definition});
  create table written_rows (${definition});
  create table documents (id number, body blob);
  insert into many_rows
  select
    level, level * 1.25, mod(level, 1000), level / 8, 'name ' || level, 'city ' || mod(level, 100),
    case when mod(level, 3) = 0 then null else 'a note of row ' || level end,
    date '2020-01-01' + mod(level, 2000), timestamp '2020-01-01 12:34:56.789' + numtodsinterval(level, 'SECOND'),
    hextoraw(lpad(to_char(level), 16, '0'))
  from dual connect by level <= ${rows};
`

export const select = `select ${columns.join(", ")} from many_rows`

export const insert = `insert into written_rows (${columns.join(", ")}) values (${
  columns.map((_, index) => `:${index + 1}`).join(", ")
})`

/** Fetches as this package does: digits of a NUMBER are not given up. */
export const fetchTypeHandler = ({ dbType }: { readonly dbType: Type }) =>
  dbType === driver.DB_TYPE_NUMBER ? { type: driver.DB_TYPE_VARCHAR } : undefined

/** What a table of ten columns is written from. */
export type Item = {
  readonly id: number
  readonly amount: number
  readonly quantity: number
  readonly ratio: number
  readonly name: string
  readonly city: string
  readonly note: string | null
  readonly hired: Date
  readonly changed: Date
  readonly code: Buffer
}

export const items = (count: number): ReadonlyArray<Item> =>
  Array.from({ length: count }, (_, index) => ({
    id: index,
    amount: index * 1.25,
    quantity: index % 1000,
    ratio: index / 8,
    name: `name ${index}`,
    city: `city ${index % 100}`,
    note: index % 3 === 0 ? null : `a note of row ${index}`,
    hired: new Date(1_577_836_800_000 + index % 2000 * 86_400_000),
    changed: new Date(1_577_882_096_789 + index * 1000),
    code: Buffer.alloc(8, index)
  }))

export const valuesOf = (item: Item): ReadonlyArray<Item[keyof Item]> => columns.map((name) => item[name])

/** The types that the driver is told, in the place of those that it would look for in all values. */
export const bindDefs = [
  { type: driver.DB_TYPE_NUMBER },
  { type: driver.DB_TYPE_NUMBER },
  { type: driver.DB_TYPE_NUMBER },
  { type: driver.DB_TYPE_NUMBER },
  { type: driver.DB_TYPE_VARCHAR, maxSize: 40 },
  { type: driver.DB_TYPE_VARCHAR, maxSize: 40 },
  { type: driver.DB_TYPE_VARCHAR, maxSize: 200 },
  { type: driver.DB_TYPE_TIMESTAMP },
  { type: driver.DB_TYPE_TIMESTAMP },
  { type: driver.DB_TYPE_RAW, maxSize: 16 }
]
