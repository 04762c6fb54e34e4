/** Names as expressions and SQL within a block see them: variables, attributes of cursors, types. */
import type { Variables } from "../statements/executor.ts"
import { compositeType, ListValue, MapValue, RecordValue, type Stored } from "../values/composite.ts"
import type { CollectionType, RecordType, SqlType } from "../values/dataTypes.ts"
import { fromInteger } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { BOOLEAN, NUMBER, ROWID, varchar2 } from "../values/sqlType.ts"
import type { Environment } from "./environment.ts"
import { errorText, sqlCode } from "./exceptions.ts"
import type { Machine } from "./machine.ts"
import type { Typed } from "./typed.ts"

/** A type of the block or the catalog by its name; undefined when there is none. */
export const namedType = (machine: Machine, path: ReadonlyArray<string>, env: Environment): SqlType | undefined => {
  const entry = env.lookup(path)
  if (entry?.kind === "type") return entry.type
  const made = machine.host.core.catalog.typeOf(path, machine.session.currentSchema)
  return made === undefined ? undefined : compositeType(made)
}

const countsType = compositeType({
  kind: "collection",
  owner: undefined,
  package: undefined,
  name: "SQL%BULK_ROWCOUNT",
  form: "numbers",
  element: NUMBER,
  limit: undefined,
  key: { ...NUMBER, name: "BINARY_INTEGER" }
})
const errorsType = compositeType({
  kind: "collection",
  owner: undefined,
  package: undefined,
  name: "SQL%BULK_EXCEPTIONS",
  form: "table",
  element: compositeType({
    kind: "record",
    owner: undefined,
    package: undefined,
    name: "BULK_EXCEPTION",
    attributes: [{ name: "ERROR_INDEX", type: NUMBER }, { name: "ERROR_CODE", type: NUMBER }]
  }),
  limit: undefined,
  key: undefined
})

const bulkCounts = (machine: Machine): Stored => {
  const map = new MapValue(countsType.composite as CollectionType)
  for (const [index, count] of machine.sql.bulkCounts) map.set(index, fromInteger(count))
  return map
}

const bulkErrors = (machine: Machine): Stored => {
  const type = errorsType.composite as CollectionType
  return new ListValue(
    type,
    machine.sql.bulkErrors.map(({ code, index }) =>
      new RecordValue(type.element.composite as RecordType, [fromInteger(index), fromInteger(code)])
    )
  )
}

/** `name%ATTRIBUTE` and the like, which look like names. */
export const attribute = (machine: Machine, env: Environment, path: ReadonlyArray<string>): Typed | undefined => {
  if (path.length === 1 && path[0] === "SQLCODE") {
    return { value: fromInteger(env.handling === undefined ? 0 : sqlCode(env.handling)), type: NUMBER }
  }
  if (path.length === 1 && path[0] === "SQLERRM") {
    return {
      value: env.handling === undefined
        ? "ORA-0000: normal, successful completion"
        : errorText(env.handling),
      type: varchar2(512)
    }
  }
  const what = path.at(-1)!
  if (!what.startsWith("%")) return undefined
  const boolean = (value: boolean | null): Typed => ({ value: value === null ? null : value ? 1 : 0, type: BOOLEAN })
  if (path.length === 2 && path[0] === "SQL") {
    const count = machine.sql.rowCount
    if (what === "%ROWCOUNT") return { value: count === undefined ? null : fromInteger(count), type: NUMBER }
    if (what === "%FOUND") return boolean(count === undefined ? null : count > 0)
    if (what === "%NOTFOUND") return boolean(count === undefined ? null : count === 0)
    if (what === "%ISOPEN") return boolean(false)
    if (what === "%BULK_ROWCOUNT") return { value: bulkCounts(machine), type: countsType }
    if (what === "%BULK_EXCEPTIONS") return { value: bulkErrors(machine), type: errorsType }
  }
  const entry = env.lookup(path.slice(0, -1))
  if (entry?.kind !== "cursor") return undefined
  const { cell } = entry
  if (what === "%ISOPEN") return boolean(cell.open !== undefined)
  if (cell.open === undefined) throw oraError(1001, "invalid cursor")
  if (what === "%FOUND") return boolean(cell.found)
  if (what === "%NOTFOUND") return boolean(cell.found === null ? null : !cell.found)
  if (what === "%ROWCOUNT") return { value: fromInteger(cell.rowCount), type: NUMBER }
  // WHERE CURRENT OF.
  if (what === "%ROWID") return { value: cell.open.currentRowid(), type: ROWID }
  return undefined
}

const sqlNames = new Set(["SQLCODE", "SQLERRM"])

const attributeType = (what: string): SqlType =>
  what === "%ROWCOUNT"
    ? NUMBER
    : what === "%BULK_ROWCOUNT"
    ? countsType
    : what === "%BULK_EXCEPTIONS"
    ? errorsType
    : what === "%ROWID"
    ? ROWID
    : BOOLEAN

export const readName = (machine: Machine, env: Environment, path: ReadonlyArray<string>): Stored => {
  const variable = env.variable(path)
  return variable === undefined ? attribute(machine, env, path)?.value ?? null : variable.value
}

export const variablesOf = (machine: Machine, env: Environment): Variables => ({
  type: (path) => {
    const variable = env.variable(path)
    if (variable !== undefined) return variable.type
    if (path.at(-1)!.startsWith("%")) return attributeType(path.at(-1)!)
    if (path.length === 1 && sqlNames.has(path[0]!)) return path[0] === "SQLCODE" ? NUMBER : varchar2(512)
    return undefined
  },
  read: (path) => readName(machine, env, path),
  named: (path) => namedType(machine, path, env)
})
