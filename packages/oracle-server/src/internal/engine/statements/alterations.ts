/** ALTER, DROP, TRUNCATE, views, indexes, synonyms. */
import { column as columnOf, type ColumnDef, type ExpressionIndex, keyOf, type Table } from "../catalog/catalog.ts"
import type { Unit } from "../catalog/units.ts"
import { expressionText, mapTree } from "../compile/rewrites.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr, Query } from "../syntax/ast.ts"
import type { AlterTableAction, Ddl } from "../syntax/astDefinitions.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { modifyColumns } from "./columnChanges.ts"
import { changeConstraint } from "./constraintChanges.ts"
import { without } from "./constraintShapes.ts"
import type { Core } from "./core.ts"
import {
  addColumn,
  addConstraint,
  createTable,
  type DefinitionServices,
  dropTable,
  hasDuplicates,
  newSequence,
  placeOf,
  requireFree,
  storeIndex
} from "./definitions.ts"
import { runGrant } from "./grants.ts"
import { defineMview } from "./materializedViews.ts"
import { changePartitions } from "./partitionChanges.ts"
import { dropType } from "./typeDefinitions.ts"
import { alterUnit, createUnit, dropUnit } from "./unitDefinitions.ts"
import { defineAccount } from "./userDefinitions.ts"

/** A definition needs the table for itself: any open transaction on it makes it busy. */
const exclusive = (services: DefinitionServices, table: Table): void => {
  if (!services.lock(table)) {
    throw oraError(54, "resource busy and acquire with NOWAIT specified or timeout expired")
  }
}

/** Queue tables are changed by DBMS_AQADM alone, which takes them out of the catalog before it drops them. */
const notOfQueues = ({ catalog }: Core, table: { readonly owner: string; readonly name: string }): void => {
  if (catalog.queueTables.has(keyOf(table))) {
    throw oraError(24005, `Inappropriate utilities used to perform DDL on AQ table ${keyOf(table)}`)
  }
}

function* alter(services: DefinitionServices, table: Table, action: AlterTableAction): Step<void> {
  const { core } = services
  switch (action.kind) {
    case "addColumns":
      for (const spec of action.columns) {
        if (table.columns.some((column) => column.name === spec.name)) {
          throw oraError(1430, "column being added already exists in table", spec.at)
        }
        yield* addColumn(services, table, spec)
      }
      return
    case "addConstraint":
      yield* addConstraint(services, table, action.constraint)
      return
    case "modifyColumns":
      yield* modifyColumns(services, table, action.columns)
      return
    case "constraintState":
      yield* changeConstraint(services, table, action.constraint, action.terms, action.cascade)
      return
    case "partitions":
      changePartitions(services, table, action.action)
      return
    case "readOnly":
      table.readOnly = action.readOnly
      return
    case "storage":
      return
    case "renameConstraint":
      renameConstraint(core, table, action.from, action.to)
      return
    case "dropColumns":
      for (const name of action.names) {
        const column = columnOf(table, name, 0)
        if (
          table.keys.some((key) => key.columns.includes(column)) ||
          table.foreign.some((key) => key.columns.includes(column))
        ) {
          throw oraError(12991, "column is referenced in a multi-column constraint")
        }
        if (table.partitioning?.columns.includes(column) === true) {
          throw oraError(12984, "cannot drop partitioning column")
        }
        if (table.columns.length === 1) throw oraError(12983, "cannot drop all columns in a table")
        without(table.columns, (candidate) => candidate === column)
      }
      return
    case "dropConstraint": {
      const key = table.keys.find((candidate) =>
        action.primary ? candidate.type === "primary" : candidate.name === action.name
      )
      const count = table.keys.length + table.foreign.length + table.checks.length
      if (key !== undefined && table.children.some((child) => child.constraint.key === key)) {
        throw oraError(2273, "this unique/primary key is referenced by some foreign keys")
      }
      for (const foreign of table.foreign.filter((candidate) => candidate.name === action.name)) {
        without(foreign.parent.children, (child) => child.constraint === foreign)
      }
      for (
        const { indexId } of [
          ...(key === undefined ? [] : [key]),
          ...table.foreign.filter((candidate) => candidate.name === action.name)
        ]
      ) {
        for (const data of core.store.all(table)) data.dropIndex(indexId)
      }
      without(table.keys, (candidate) => candidate === key)
      without(table.foreign, (candidate) => candidate.name === action.name)
      without(table.checks, (candidate) => candidate.name === action.name)
      if (table.keys.length + table.foreign.length + table.checks.length === count) {
        throw oraError(2443, "Cannot drop constraint  - nonexistent constraint")
      }
      return
    }
    case "renameColumn": {
      const column = columnOf(table, action.from, 0)
      if (table.columns.some((candidate) => candidate.name === action.to)) {
        throw oraError(957, `"${action.to}": duplicate column name`)
      }
      renameInExpressions(table, action.from, action.to)
      column.name = action.to
      return
    }
    case "triggers":
      for (const trigger of core.catalog.triggersOn(table)) trigger.enabled = action.enabled
      return
    case "renameTable":
      rename(services, table, action.to)
  }
}

/** The expressions of an index, as the dictionary shows them; each is compiled to find its errors now. */
const expressionColumns = (
  services: DefinitionServices,
  table: Table,
  exprs: ReadonlyArray<Expr>
): ExpressionIndex["columns"] =>
  exprs.map((expr, i) => {
    services.typeOf(table, expr)
    const isColumn = expr.kind === "name"
    return {
      name: isColumn ? expr.path.at(-1)! : `SYS_NC${String(table.columns.length + i + 1).padStart(5, "0")}$`,
      text: expressionText(expr),
      isColumn
    }
  })

/** Checks and virtual columns name the column, too. */
const renameInExpressions = (table: Table, from: string, to: string): void => {
  const renamed = (expr: Expr): Expr =>
    mapTree(expr, (node) => {
      const path = node["path"] as ReadonlyArray<string> | undefined
      return node.kind === "name" && path?.at(-1) === from ? { ...node, path: [...path.slice(0, -1), to] } : undefined
    })
  const name = from.replace(/[$]/g, "\\$&")
  const word = new RegExp(`"${name}"|(?<![\\w$#"])${name}(?![\\w$#"])`, "gi")
  const quoted = `"${to}"`
  for (const check of table.checks) {
    Object.assign(check, { expr: renamed(check.expr), text: check.text.replace(word, () => quoted) })
  }
  for (const column of table.columns) if (column.virtual !== undefined) column.virtual = renamed(column.virtual)
}

/** The parts of a table that have the name get the other one; whoever holds them sees it at once. */
const renameConstraint = (core: Core, table: Table, from: string, to: string): void => {
  if (core.catalog.constraintExists(table.owner, to)) {
    throw oraError(2264, "name already used by an existing constraint")
  }
  const found = [...table.keys, ...table.foreign, ...table.checks].find((constraint) => constraint.name === from)
  if (found === undefined) throw oraError(23292, `The constraint ${from} does not exist`)
  Object.assign(found, { name: to })
}

const rename = (services: DefinitionServices, table: Table, to: string): void => {
  const { catalog } = services.core
  requireFree(services.core, table.owner, to, 0)
  const triggers = catalog.triggersOn(table)
  catalog.remove(table)
  services.core.privileges.renameObject(keyOf(table), `${table.owner}.${to}`)
  table.name = to
  catalog.add(table)
  for (const trigger of triggers) catalog.triggers.set(keyOf(trigger), { ...trigger, table: keyOf(table) })
}

const drop = (services: DefinitionServices, ddl: Extract<Ddl, { kind: "drop" }>): void => {
  const { core, session } = services
  const { catalog } = core
  const [owner, name] = ddl.public ? ["PUBLIC", ddl.path[0]!] : placeOf(ddl.path, session)
  if (ddl.object === "INDEX") {
    for (const table of catalog.tables()) {
      const index = table.indexes.find((candidate) => candidate.name === name && candidate.owner === owner)
      const count = table.expressionIndexes.length
      without(table.expressionIndexes, (candidate) => candidate.name === name && candidate.owner === owner)
      if (table.expressionIndexes.length < count) return
      if (index === undefined) continue
      for (const data of core.store.all(table)) data.dropIndex(index.indexId)
      without(table.indexes, (candidate) => candidate === index)
      return
    }
    if (ddl.ifExists) return
    throw oraError(1418, "specified index does not exist", ddl.at)
  }
  if (dropUnit(services, ddl)) return
  const object = catalog.objects.get(`${owner}.${name}`)
  if (object?.kind !== ddl.object.toLowerCase()) {
    if (ddl.ifExists) return
    switch (ddl.object) {
      case "SEQUENCE":
        throw oraError(2289, "sequence does not exist", ddl.at)
      case "SYNONYM":
        throw oraError(1434, "private synonym to be dropped does not exist", ddl.at)
      default:
        throw catalog.missing(ddl.path, session.currentSchema, ddl.at)
    }
  }
  if (object.kind === "table") {
    if (object.materialized !== undefined) {
      throw oraError(12083, `must use DROP MATERIALIZED VIEW to drop "${owner}"."${name}"`, ddl.at)
    }
    notOfQueues(core, object)
    exclusive(services, object)
    const children = object.children.filter((child) => child.table !== object)
    if (children.length > 0 && !ddl.cascade) {
      throw oraError(2449, "unique/primary keys in table referenced by foreign keys", ddl.at)
    }
    for (const child of children) without(child.table.foreign, (foreign) => foreign === child.constraint)
    dropTable(core, object)
  } else catalog.remove(object)
  if (object.kind !== "synonym") core.privileges.forgetObject(keyOf(object))
}

/** Expressions of the select list need an alias to name a column. */
const requireNames = ({ body }: Query): void => {
  let first = body
  while (first.kind === "set") first = first.left
  if (first.kind === "nested") {
    requireNames(first.query)
    return
  }
  for (const { alias, expr } of first.items) {
    if (alias === undefined && expr.kind !== "name" && expr.kind !== "star") {
      throw oraError(998, "must name this expression with a column alias", expr.at)
    }
  }
}

/** The columns of a view's query, and what it names: roles do not count for it, nor do the rights of who makes it for another. */
const viewColumns = ({ core: { catalog }, describe, session }: DefinitionServices, owner: string, query: Query) => {
  const { recorder } = catalog
  const references = new Set<string>()
  const outer = session.enter(owner)
  catalog.recorder = references
  try {
    return { columns: describe(query), references }
  } finally {
    catalog.recorder = recorder
    session.leave(outer)
  }
}

/** The unit that the statement has made or asked to be compiled, if any. */
export function* define(services: DefinitionServices, ddl: Ddl): Step<Unit | undefined> {
  const { core, session } = services
  const { catalog } = core
  switch (ddl.kind) {
    case "createMview":
    case "dropMview":
    case "refreshMview":
    case "mviewLog":
      yield* defineMview(services, ddl, (table) => exclusive(services, table))
      return undefined
    case "createTable":
      if (ddl.query !== undefined && ddl.columns.length === 0) requireNames(ddl.query)
      yield* createTable(services, ddl)
      return undefined
    case "createView": {
      const [owner, name] = placeOf(ddl.path, session)
      const existing = catalog.objects.get(`${owner}.${name}`)
      if (existing !== undefined && !(ddl.replace && existing.kind === "view")) {
        throw oraError(955, "name is already used by an existing object", ddl.at)
      }
      const { columns, references } = viewColumns(services, owner, ddl.query)
      if (ddl.columns.length === 0) requireNames(ddl.query)
      if (columns.length > 1000) throw oraError(1792, "maximum number of columns in a table or view is 1000", ddl.at)
      if (ddl.columns.length > 0 && ddl.columns.length !== columns.length) {
        throw oraError(1730, "invalid number of column names specified", ddl.at)
      }
      catalog.add({
        kind: "view",
        id: catalog.nextId(),
        owner,
        name,
        columns: ddl.columns,
        query: ddl.query,
        text: ddl.text,
        references,
        readOnly: ddl.readOnly,
        checkOption: ddl.checkOption,
        described: columns.map(({ name, nullable, type }, index) => ({
          name: ddl.columns[index] ?? name,
          type,
          nullable
        }))
      })
      return undefined
    }
    case "alterIndex": {
      const [owner, name] = placeOf(ddl.path, session)
      for (const table of catalog.tables()) {
        const index = table.indexes.find((candidate) => candidate.name === name && candidate.owner === owner)
        const key = table.owner === owner ? table.keys.find((candidate) => candidate.indexName === name) : undefined
        const other = table.expressionIndexes.find((candidate) => candidate.name === name && candidate.owner === owner)
        if (other !== undefined && ddl.to !== undefined) Object.assign(other, { name: ddl.to })
        if (other !== undefined) return undefined
        if (index === undefined && key === undefined) continue
        if (ddl.to !== undefined) {
          Object.assign(index ?? key!, index === undefined ? { indexName: ddl.to } : { name: ddl.to })
        }
        return undefined
      }
      throw oraError(1418, "specified index does not exist", ddl.at)
    }
    case "createIndex": {
      const [owner, name] = placeOf(ddl.path, session)
      const table = catalog.table(ddl.table, session.currentSchema, ddl.at)
      exclusive(services, table)
      for (const other of catalog.tables()) {
        if (
          [...other.indexes, ...other.expressionIndexes].some((index) => index.owner === owner && index.name === name)
        ) {
          throw oraError(955, "name is already used by an existing object", ddl.at)
        }
      }
      if (ddl.columns.some((expr) => expr.kind !== "name")) {
        if (ddl.unique) throw unimplemented("unique function-based indexes", ddl.at)
        table.expressionIndexes.push({ name, owner, columns: expressionColumns(services, table, ddl.columns) })
        catalog.version++
        return undefined
      }
      const columns = ddl.columns.map((expr) => {
        const path = expr.kind === "name" ? expr.path : []
        return columnOf(table, path.at(-1)!, expr.at)
      })
      const isSame = (other: ReadonlyArray<ColumnDef>, descending?: ReadonlyArray<boolean>): boolean =>
        other.length === columns.length &&
        other.every((column, i) => column === columns[i] && (descending?.[i] ?? false) === ddl.descending[i])
      if (
        table.keys.some((key) => isSame(key.columns)) ||
        table.indexes.some((index) => isSame(index.columns, index.descending))
      ) {
        throw oraError(1408, "such column list already indexed", ddl.at)
      }
      if (ddl.unique && (yield* hasDuplicates(core, table, columns))) {
        throw oraError(1452, "cannot CREATE UNIQUE INDEX; duplicate keys found", ddl.at)
      }
      const indexId = yield* storeIndex(core, table, columns)
      table.indexes.push({ name, owner, unique: ddl.unique, columns, descending: ddl.descending, indexId })
      catalog.version++
      return undefined
    }
    case "createSequence": {
      const [owner, name] = placeOf(ddl.path, session)
      requireFree(core, owner, name, ddl.at)
      newSequence(core, owner, name, ddl.options, false)
      return undefined
    }
    case "alterSequence": {
      const object = catalog.find(ddl.path, session.currentSchema)
      if (object?.kind !== "sequence") throw oraError(2289, "sequence does not exist", ddl.at)
      const { options } = ddl
      if (options.increment !== undefined) {
        const last = object.next - object.increment
        object.increment = BigInt(options.increment)
        object.next = last + object.increment
      }
      if (options.min !== undefined) object.min = BigInt(options.min)
      if (options.max !== undefined) object.max = BigInt(options.max)
      if (options.cycle !== undefined) object.cycle = options.cycle
      if (options.cache !== undefined) object.cache = Number(options.cache)
      if (options.restart) {
        object.next = BigInt(options.start ?? String(object.increment > 0n ? object.min : object.max))
      }
      return undefined
    }
    case "createSynonym": {
      const [owner, name] = ddl.public ? ["PUBLIC", ddl.path[0]!] : placeOf(ddl.path, session)
      if (!ddl.replace) requireFree(core, owner, name, ddl.at)
      const target = ddl.target.length === 1 ? [session.currentSchema, ddl.target[0]!] : ddl.target
      catalog.add({ kind: "synonym", id: catalog.nextId(), owner, name, target })
      return undefined
    }
    case "createUser":
    case "alterUser":
    case "proxyUser":
    case "dropUser":
    case "createRole":
    case "alterRole":
    case "dropRole":
    case "createProfile":
    case "alterProfile":
    case "dropProfile":
      defineAccount(core, session, ddl)
      return undefined
    case "grant":
    case "revoke":
      runGrant(core, session, ddl)
      return undefined
    case "dropType":
      dropType(core, session, ddl)
      return undefined
    case "createContext": {
      if (core.contexts.has(ddl.name) && !ddl.replace) {
        throw oraError(955, "name is already used by an existing object", ddl.at)
      }
      const [owner, name] = placeOf(ddl.using, session)
      core.contexts.set(ddl.name, { using: `${owner}.${name}`, global: ddl.global })
      return undefined
    }
    case "dropContext":
      if (!core.contexts.delete(ddl.name)) throw oraError(4043, `object ${ddl.name} does not exist`, ddl.at)
      return undefined
    case "createUnit":
      return createUnit(services, ddl)
    case "alterUnit":
      return alterUnit(services, ddl)
    case "drop": {
      const [owner, name] = placeOf(ddl.path, session)
      drop(services, ddl)
      if (!catalog.objects.has(`${owner}.${name}`)) core.policies.forget(`${owner}.${name}`)
      catalog.version++
      return undefined
    }
    case "alterTable": {
      const table = catalog.table(ddl.path, session.currentSchema, ddl.at)
      notOfQueues(core, table)
      exclusive(services, table)
      for (const action of ddl.actions) yield* alter(services, table, action)
      catalog.changed(table)
      return undefined
    }
    case "truncate": {
      const table = catalog.table(ddl.path, session.currentSchema, ddl.at)
      notOfQueues(core, table)
      exclusive(services, table)
      if (table.children.some((child) => child.table !== table && child.constraint.state.enabled)) {
        throw oraError(2266, "unique/primary keys in table referenced by enabled foreign keys", ddl.at)
      }
      core.store.truncate(table, session.info.sid)
      return undefined
    }
    case "rename": {
      const table = catalog.table([ddl.from], session.currentSchema, ddl.at)
      exclusive(services, table)
      rename(services, table, ddl.to)
      return undefined
    }
    case "comment": {
      const table = catalog.table(ddl.column ? ddl.path.slice(0, -1) : ddl.path, session.currentSchema, ddl.at)
      if (ddl.column) columnOf(table, ddl.path.at(-1)!, ddl.at).comment = ddl.text
      else table.comment = ddl.text
      return undefined
    }
  }
}
