/** RETURNING without INTO, as other databases have it: what it names is described once, then bound to be given back. */
import * as OracleBind from "../OracleBind.ts"
import { type ColumnMetadata, type DbType, driver } from "./oracledb.ts"
import { toProgram } from "./sqlNames.ts"
import type { ValueSettings } from "./valueSettings.ts"

/** A statement whose RETURNING has no INTO yet. */
export interface Returning {
  /** The statement up to RETURNING. */
  readonly head: string
  /** What it asks for, without aliases. */
  readonly expressions: ReadonlyArray<string>
  readonly aliases: ReadonlyArray<string | undefined>
  /** The query that has the same columns and no row. */
  readonly description: string
}

/** The statement with its INTO, and what comes back. */
export interface ReturningPlan {
  readonly sql: string
  readonly names: ReadonlyArray<string>
  readonly binds: ReadonlyArray<OracleBind.ReturningBind<OracleBind.BindType>>
}

const word = String.raw`(?:"[^"]+"|[\p{L}][\p{L}\p{N}_$#]*)`
const table = String.raw`(${word}(?:\.${word}){0,2}(?:@${word}(?:\.${word})*)?)`
const target = new RegExp(
  String
    .raw`^\s*(?:insert\s+into|update|delete(?:\s+from)?|merge\s+into)\s+${table}(?:\s+(?:as\s+)?(?!(?:set|where|using|returning|return|values|select|with|on)\b)(${word}))?`,
  "iu"
)

/** Quoted things and comments are passed over; parentheses are counted. */
const token =
  /n?q'\[[\s\S]*?\]'|n?q'\{[\s\S]*?\}'|n?q'\([\s\S]*?\)'|n?q'<[\s\S]*?>'|'(?:[^']|'')*'|"[^"]*"|--[^\n]*|\/\*[\s\S]*?\*\/|[()]|,|[\p{L}_][\p{L}\p{N}_$#]*/giu

/** Between the first words of a statement nothing else looks like one. */
const comments = /\/\*[\s\S]*?\*\/|--[^\n]*/g

interface Clause {
  readonly start: number
  readonly end: number
  readonly commas: ReadonlyArray<number>
}

const clauseOf = (sql: string): Clause | undefined => {
  let depth = 0
  let clause: { start: number; end: number; commas: Array<number> } | undefined
  for (const { 0: found, index } of sql.matchAll(token)) {
    if (found === "(") depth++
    else if (found === ")") depth--
    else if (depth > 0) continue
    else if (found === ",") clause?.commas.push(index)
    else if (/^returning$/i.test(found)) clause = { start: index, end: index + found.length, commas: [] }
    else if (clause !== undefined && /^into$/i.test(found)) return undefined
  }
  return clause
}

const alias = /^([\s\S]+?)\s+as\s+("[^"]+"|[\p{L}][\p{L}\p{N}_$#]*)$/iu

/** What a statement asks to be given back; nothing when it has no RETURNING, or one with INTO. */
export const returningOf = (sql: string): Returning | undefined => {
  if (!/\breturning\b/i.test(sql)) return undefined
  const named = target.exec(sql.replace(comments, " "))
  const clause = named === null ? undefined : clauseOf(sql)
  if (named === null || clause === undefined) return undefined
  const ends = [...clause.commas, sql.length]
  const items = ends.map((end, index) =>
    sql.slice(index === 0 ? clause.end : ends[index - 1]! + 1, end).replace(/;\s*$/, "").trim()
  )
  const parsed = items.map((item) => alias.exec(item))
  const expressions = items.map((item, index) => parsed[index]?.[1] ?? item)
  const list = items.map((item) => item === "*" && named[2] !== undefined ? `${named[2]}.*` : item).join(", ")
  return {
    head: sql.slice(0, clause.start).trimEnd(),
    expressions,
    aliases: parsed.map((match) => match?.[2]),
    description: `select ${list} from ${named[1]}${named[2] === undefined ? "" : ` ${named[2]}`} where 1 = 0`
  }
}

const types = new Map<DbType, OracleBind.BindType>([
  [driver.DB_TYPE_VARCHAR, "string"],
  [driver.DB_TYPE_NVARCHAR, "nstring"],
  [driver.DB_TYPE_CHAR, "char"],
  [driver.DB_TYPE_BINARY_DOUBLE, "double"],
  [driver.DB_TYPE_BOOLEAN, "boolean"],
  [driver.DB_TYPE_DATE, "date"],
  [driver.DB_TYPE_TIMESTAMP, "timestamp"],
  [driver.DB_TYPE_TIMESTAMP_TZ, "timestampTz"],
  [driver.DB_TYPE_TIMESTAMP_LTZ, "timestampLtz"],
  [driver.DB_TYPE_INTERVAL_DS, "intervalDs"],
  [driver.DB_TYPE_INTERVAL_YM, "intervalYm"],
  [driver.DB_TYPE_RAW, "raw"],
  [driver.DB_TYPE_CLOB, "clob"],
  [driver.DB_TYPE_NCLOB, "nclob"],
  [driver.DB_TYPE_BLOB, "blob"],
  [driver.DB_TYPE_JSON, "json"],
  [driver.DB_TYPE_VECTOR, "vector"],
  [driver.DB_TYPE_ROWID, "rowid"]
])

const longest = 32_767

const bindOf = (
  column: ColumnMetadata,
  { numbers }: ValueSettings
): OracleBind.ReturningBind<OracleBind.BindType> => {
  if (column.dbType === driver.DB_TYPE_NUMBER) {
    return OracleBind.returning(
      typeof numbers === "function" ? numbers({ name: column.name, type: column.dbType.name }) : numbers
    )
  }
  const type = types.get(column.dbType) ?? "string"
  // A CHAR comes padded with blanks to the size that it is asked for in.
  return OracleBind.returning(type, { maxSize: type === "char" ? column.byteSize ?? longest : longest })
}

/** The column that a row could not hold beside another of its name. */
export const clashOf = ({ names }: ReturningPlan): string | undefined =>
  names.find((name, index) => names.indexOf(name) < index)

/** The statement to send, from the columns of the description. */
export const returningPlan = (
  returning: Returning,
  columns: ReadonlyArray<ColumnMetadata>,
  settings: ValueSettings
): ReturningPlan => {
  const isWhole = returning.expressions.length === 1 && /^(?:[^.\s]+\.)?\*$/.test(returning.expressions[0]!)
  const expressions = isWhole
    ? columns.map(({ name }) => returning.expressions[0]!.replace("*", () => `"${name}"`))
    : returning.expressions
  return {
    sql: `${returning.head} returning ${expressions.join(", ")} into ${
      expressions.map((_, index) => `:returned_${index + 1}`).join(", ")
    }`,
    names: columns.map(({ name }) => toProgram(name)),
    binds: columns.map((column) => bindOf(column, settings))
  }
}
