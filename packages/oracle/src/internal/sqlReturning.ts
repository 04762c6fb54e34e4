/** RETURNING without INTO, as other databases have it: what it names is described once, then bound to be given back. */
import * as OracleBind from "../OracleBind.ts"
import { type ColumnMetadata, type DbType, driver } from "./oracledb.ts"
import { toProgram } from "./sqlNames.ts"
import { firstWord, isSignificant, type Token, tokenize, wordOf } from "./sqlTokens.ts"
import type { ValueSettings } from "./valueSettings.ts"

/** A statement whose RETURNING has no INTO yet. */
interface Returning {
  /** The statement up to RETURNING. */
  readonly head: string
  /** What it asks for, without aliases. */
  readonly expressions: ReadonlyArray<string>
  /** The query that has the same columns and no row. */
  readonly description: string
}

/** The statement with its INTO, and what comes back. */
export interface ReturningPlan {
  readonly sql: string
  readonly names: ReadonlyArray<string>
  readonly binds: ReadonlyArray<OracleBind.ReturningBind<OracleBind.BindType>>
}

const is = (token: Token | undefined, symbol: string): boolean => token?.kind === "symbol" && token.text === symbol

const isName = (token: Token | undefined): boolean =>
  token !== undefined && !token.isOpen && (token.kind === "word" || token.kind === "name")

/** What comes after a table in place of an alias. */
const noAlias: ReadonlySet<string> = new Set(
  "SET WHERE USING RETURNING RETURN VALUES SELECT WITH ON PARTITION SUBPARTITION SAMPLE LOG DEFAULT".split(" ")
)

interface Target {
  readonly table: string
  readonly alias: string | undefined
}

/** Where the table stands: behind the verb, INTO and FROM. */
const targetOf = (tokens: ReadonlyArray<Token>): Target | undefined => {
  const verb = wordOf(tokens[0])
  const second = wordOf(tokens[1])
  const needsInto = verb === "INSERT" || verb === "MERGE"
  if (needsInto && second !== "INTO") return undefined
  let at = needsInto || (verb === "DELETE" && second === "FROM") ? 2 : 1
  if (!isName(tokens[at])) return undefined
  let table = tokens[at++]!.text
  while ((is(tokens[at], ".") || is(tokens[at], "@")) && isName(tokens[at + 1])) {
    table += `${tokens[at]!.text}${tokens[at + 1]!.text}`
    at += 2
  }
  if (wordOf(tokens[at]) === "AS") at++
  const alias = tokens[at]
  return { table, alias: isName(alias) && !noAlias.has(wordOf(alias)) ? alias!.text : undefined }
}

/** The tokens behind RETURNING, by the commas between them; nothing when there is none, or an INTO. */
const clauseOf = (
  tokens: ReadonlyArray<Token>
): { readonly before: Token | undefined; readonly items: ReadonlyArray<ReadonlyArray<Token>> } | undefined => {
  let depth = 0
  let before: Token | undefined
  let items: Array<Array<Token>> | undefined
  for (const token of tokens) {
    if (is(token, "(")) depth++
    else if (is(token, ")")) depth--
    if (depth === 0 && wordOf(token) === "RETURNING") {
      items = [[]]
      continue
    }
    if (items === undefined) {
      if (isSignificant(token)) before = token
      continue
    }
    if (depth === 0 && wordOf(token) === "INTO") return undefined
    if (depth === 0 && is(token, ",")) items.push([])
    else items.at(-1)!.push(token)
  }
  return items === undefined ? undefined : { before, items }
}

/** The text of tokens on their own: without comments, of which one to the end of the line would hide what comes after it. */
const textOf = (tokens: ReadonlyArray<Token>): string =>
  tokens.map((token) => token.kind === "comment" ? " " : token.text).join("").trim()

/** An expression and the name that it is given. */
const itemOf = (tokens: ReadonlyArray<Token>): { readonly expression: string; readonly text: string } => {
  const telling = tokens.filter(isSignificant)
  while (is(telling.at(-1), ";")) telling.pop()
  const end = telling.at(-1)
  const text = textOf(tokens.filter((token) => end !== undefined && token.start <= end.start))
  if (telling.length < 3 || wordOf(telling.at(-2)) !== "AS" || !isName(end)) return { expression: text, text }
  return { expression: textOf(tokens.filter((token) => token.start < telling.at(-2)!.start)), text }
}

const verbs: ReadonlySet<string> = new Set(["INSERT", "UPDATE", "DELETE", "MERGE"])

/** What a statement asks to be given back; nothing when it has no RETURNING, or one with INTO. */
export const returningOf = (sql: string): Returning | undefined => {
  if (!/returning/i.test(sql) || !verbs.has(firstWord(sql))) return undefined
  const tokens = tokenize(sql)
  const target = targetOf(tokens.filter(isSignificant))
  const clause = target === undefined ? undefined : clauseOf(tokens)
  if (target === undefined || clause?.before === undefined) return undefined
  const { alias, table } = target
  const items = clause.items.map(itemOf)
  const list = items.map(({ text }) => text === "*" && alias !== undefined ? `${alias}.*` : text).join(", ")
  return {
    head: sql.slice(0, clause.before.end),
    expressions: items.map(({ expression }) => expression),
    description: `select ${list} from ${table}${alias === undefined ? "" : ` ${alias}`} where 1 = 0`
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
