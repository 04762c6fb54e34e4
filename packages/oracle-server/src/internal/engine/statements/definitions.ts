/** Running CREATE, ALTER, DROP, TRUNCATE and RENAME. A definition commits before and after itself: that is the caller's part. */
import {
  column as columnOf,
  type ColumnDef,
  type KeyConstraint,
  type Sequence,
  type Table
} from "../catalog/catalog.ts"
import type { Unit } from "../catalog/units.ts"
import type { OutColumn } from "../compile/term.ts"
import { inTurns } from "../execute/turns.ts"
import { newIndex } from "../storage/store.ts"
import type { Step } from "../storage/waiting.ts"
import type { Expr } from "../syntax/ast.ts"
import type { ColumnSpec, ConstraintSpec, Ddl, SequenceOptions } from "../syntax/astDefinitions.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { keyOfAll } from "../values/order.ts"
import { definerRights } from "../values/rights.ts"
import type { SessionState } from "../values/sessionState.ts"
import { kindOf } from "../values/sqlType.ts"
import { requireOn } from "./authorization.ts"
import { hasIsJson, without } from "./constraintShapes.ts"
import type { Core } from "./core.ts"
import { divide, type PartitionServices } from "./partitionChanges.ts"
import { columnType } from "./typeDefinitions.ts"
import { committedRows, stateOf, validate, type ValidationServices } from "./validation.ts"

type Create = Extract<Ddl, { kind: "createTable" }>

export interface DefinitionServices extends ValidationServices, PartitionServices {
  readonly core: Core
  readonly session: SessionState
  /** Columns of a query. */
  readonly describe: (query: Create["query"] & object) => ReadonlyArray<OutColumn>
  /** Compiles a condition over the table to find its errors now; false when a row of the table fails it. */
  readonly holds: (table: Table, condition: Expr) => Step<boolean>
  /** Compiles a stored unit: its errors are kept with it. */
  readonly compile: (unit: Unit) => void
  /** The type of an expression over the columns of the table. */
  readonly typeOf: (table: Table, expr: Expr) => SqlType
  /** Makes the value that a new column has in the rows that are there. */
  readonly defaultOf: (column: ColumnDef) => () => Stored
  /** Takes the table for the definition alone; false when another session has it. */
  readonly lock: (table: Table) => boolean
}

const place = (path: ReadonlyArray<string>, session: SessionState): readonly [string, string] =>
  path.length === 1 ? [session.currentSchema, path[0]!] : [path[0]!, path[1]!]

const isFree = (core: Core, owner: string, name: string, at: number): void => {
  if (core.catalog.objects.has(`${owner}.${name}`)) {
    throw oraError(955, "name is already used by an existing object", at)
  }
}

export const newSequence = (
  core: Core,
  owner: string,
  name: string,
  options: SequenceOptions,
  internal: boolean
): Sequence => {
  const increment = BigInt(options.increment ?? "1")
  if (increment === 0n) throw oraError(4002, "INCREMENT must be a nonzero integer")
  const min = BigInt(options.min ?? (increment > 0n ? "1" : "-999999999999999999999999999"))
  const max = BigInt(options.max ?? (increment > 0n ? "9999999999999999999999999999" : "-1"))
  const next = BigInt(options.start ?? String(increment > 0n ? min : max))
  if (min >= max) throw oraError(4004, "MINVALUE must be less than MAXVALUE")
  if (next < min) throw oraError(4006, "START WITH cannot be less than MINVALUE")
  if (next > max) throw oraError(4008, "START WITH cannot be more than MAXVALUE")
  const sequence: Sequence = {
    kind: "sequence",
    id: core.catalog.nextId(),
    owner,
    name,
    increment,
    min,
    max,
    cycle: options.cycle ?? false,
    cache: Number(options.cache ?? "20"),
    order: options.order ?? false,
    next,
    internal
  }
  core.sequencesById.set(sequence.id, sequence)
  core.catalog.add(sequence)
  return sequence
}

const newColumn = (
  services: DefinitionServices,
  table: Table,
  spec: ColumnSpec,
  derived: OutColumn | undefined
): ColumnDef => {
  const { core, session } = services
  if (table.columns.some((column) => column.name === spec.name)) {
    throw oraError(957, `"${spec.name}": duplicate column name`, spec.at)
  }
  const type = spec.type === undefined
    ? derived?.type ?? resolveVirtual(services, table, spec)
    : columnType(core, session, spec.type)
  if (type.name === "CURSOR") throw oraError(902, "invalid datatype", spec.at)
  const identity = spec.identity === undefined
    ? undefined
    : {
      mode: spec.identity.mode,
      sequence: newSequence(
        core,
        table.owner,
        `ISEQ$$_${table.id}${table.columns.length}`,
        spec.identity.sequence,
        true
      )
    }
  return {
    name: spec.name,
    type,
    nullable: spec.nullable ?? derived?.nullable ?? true,
    default: spec.default,
    defaultText: spec.defaultText,
    defaultOnNull: spec.defaultOnNull,
    identity,
    virtual: spec.virtual,
    place: spec.virtual === undefined ? table.nextPlace++ : -1,
    isJson: spec.constraints.some(hasIsJson),
    invisible: spec.visible === false
  }
}

const resolveVirtual = (services: DefinitionServices, table: Table, spec: ColumnSpec): ColumnDef["type"] => {
  if (spec.virtual === undefined) {
    throw oraError(2263, "need to specify the datatype for this column", spec.at)
  }
  const type = services.typeOf(table, spec.virtual)
  return type.name === "CHAR" ? { ...type, name: "VARCHAR2" } : type
}

/** Makes an index over the rows that are there; gives its number. */
function* createIndex(core: Core, table: Table, columns: ReadonlyArray<ColumnDef>): Step<number> {
  if (columns.some((column) => column.virtual !== undefined)) throw unimplemented("indexes on virtual columns")
  const id = core.catalog.nextId()
  const all = core.store.all(table)
  try {
    for (const data of all) {
      const add = data.beginIndex(newIndex(id, columns))
      yield* inTurns(data.heads(), core.store.clock, add)
    }
  } catch (error) {
    for (const data of all) data.dropIndex(id)
    throw error
  }
  return id
}

/** True when two rows have the same key, none of whose columns is null. */
export function* hasDuplicates(core: Core, table: Table, columns: ReadonlyArray<ColumnDef>): Step<boolean> {
  const kinds = columns.map((column) => kindOf(column.type))
  const seen = new Set<string>()
  let hasSome = false
  yield* inTurns(committedRows(core, table), core.store.clock, (row) => {
    const key = columns.map((column) => row[column.place] ?? null)
    if (hasSome || key.includes(null)) return
    const text = keyOfAll(kinds, key)
    if (seen.has(text)) hasSome = true
    else seen.add(text)
  })
  return hasSome
}

const indexable = (columns: ReadonlyArray<ColumnDef>): void => {
  for (const column of columns) {
    if (["lc", "lb", "j", "v", "o"].includes(kindOf(column.type))) {
      throw oraError(2329, `column of datatype ${column.type.name} cannot be unique or a primary key`)
    }
  }
}

export function* addConstraint(services: DefinitionServices, table: Table, spec: ConstraintSpec): Step<void> {
  const { core } = services
  if (spec.name !== undefined && core.catalog.constraintExists(table.owner, spec.name)) {
    throw oraError(2264, `name "${table.owner}"."${spec.name}" already used by an existing constraint`, spec.at)
  }
  const name = spec.name ?? `SYS_C0${core.catalog.nextId()}`
  const isGenerated = spec.name === undefined
  const columns = spec.columns.map((column) => columnOf(table, column, spec.at))
  const state = stateOf(spec.terms)
  const { exceptions } = spec.terms
  switch (spec.type) {
    case "notnull":
      columns[0]!.nullable = false
      return
    case "check": {
      if (hasIsJson(spec)) return
      const check = {
        type: "check" as const,
        name,
        state,
        expr: spec.check!,
        text: spec.checkText!,
        generated: isGenerated
      }
      // It is compiled even where no row is asked.
      if (state.validated) yield* validate(services, table, check, exceptions)
      else yield* services.holds(table, spec.check!)
      table.checks.push(check)
      return
    }
    case "primary":
    case "unique": {
      indexable(columns)
      if (spec.type === "primary") {
        if (table.keys.some((key) => key.type === "primary")) {
          throw oraError(2260, "table can have only one primary key", spec.at)
        }
      }
      if (
        table.keys.some((key) =>
          key.columns.length === columns.length && key.columns.every((column) => columns.includes(column))
        )
      ) {
        throw oraError(2261, "such unique or primary key already exists in the table", spec.at)
      }
      const madeNotNull = spec.type === "primary" ? columns.filter((column) => column.nullable) : []
      const key = { type: spec.type, name, state, columns, indexName: name, generated: isGenerated, madeNotNull }
      if (state.validated || (state.enabled && !state.deferrable)) {
        yield* validate(services, table, { ...key, indexId: 0 }, exceptions)
      }
      const indexId = yield* createIndex(core, table, columns)
      if (state.enabled) { for (const column of madeNotNull) column.nullable = false }
      table.keys.push({ ...key, indexId })
      return
    }
    case "foreign": {
      const { at, columns: wanted, table: path } = spec.references!
      const parent = core.catalog.table(path, table.owner, at)
      // Roles do not count, and no right on any table does.
      requireOn(
        core,
        definerRights(table.owner),
        parent,
        "REFERENCES",
        () => core.catalog.missing(path, table.owner, at),
        at
      )
      const key: KeyConstraint | undefined = wanted.length === 0
        ? parent.keys.find((candidate) => candidate.type === "primary")
        : parent.keys.find((candidate) =>
          candidate.columns.length === wanted.length &&
          candidate.columns.every((column) => wanted.includes(column.name))
        )
      if (key === undefined) {
        throw wanted.length === 0
          ? oraError(2268, "referenced table does not have a primary key", at)
          : oraError(2270, "no matching unique or primary key for this column-list", at)
      }
      if (key.columns.length !== columns.length) {
        throw oraError(2256, "number of referencing columns must match referenced columns", spec.at)
      }
      // Own columns in the order of the key's.
      const ordered = wanted.length === 0 ? columns : key.columns.map((column) => columns[wanted.indexOf(column.name)]!)
      ordered.forEach((column, i) => {
        if (kindOf(column.type) !== kindOf(key.columns[i]!.type)) {
          throw oraError(2267, "column type incompatible with referenced column type", spec.at)
        }
      })
      const constraint = {
        type: "foreign" as const,
        name,
        state,
        columns: ordered,
        parent,
        key,
        onDelete: spec.onDelete,
        generated: isGenerated
      }
      if (state.validated) yield* validate(services, table, { ...constraint, indexId: 0 }, exceptions)
      const whole = { ...constraint, indexId: yield* createIndex(core, table, ordered) }
      table.foreign.push(whole)
      parent.children.push({ table, constraint: whole })
    }
  }
}

const hasRows = (core: Core, table: Table): boolean => core.store.all(table).some((data) => data.size > 0)

export function* createTable(services: DefinitionServices, ddl: Create): Step<void> {
  const { core, session } = services
  const [owner, name] = place(ddl.path, session)
  if (ddl.ifNotExists && core.catalog.objects.has(`${owner}.${name}`)) return
  isFree(core, owner, name, ddl.at)
  core.catalog.schemas.add(owner)
  const id = core.catalog.nextId()
  const table: Table = {
    kind: "table",
    id,
    owner,
    name,
    columns: [],
    keys: [],
    foreign: [],
    checks: [],
    indexes: [],
    expressionIndexes: [],
    children: [],
    temporary: ddl.temporary,
    // The first place is the row's number.
    nextPlace: 1
  }
  const derived = ddl.query === undefined ? undefined : services.describe(ddl.query)
  const specs: ReadonlyArray<ColumnSpec> = ddl.columns.length > 0 || derived === undefined
    ? ddl.columns
    : derived.map((column): ColumnSpec => ({
      name: column.name,
      type: undefined,
      default: undefined,
      defaultText: undefined,
      defaultOnNull: false,
      identity: undefined,
      virtual: undefined,
      nullable: undefined,
      visible: undefined,
      constraints: [],
      at: ddl.at
    }))
  if (specs.length > 1000) throw oraError(1792, "maximum number of columns in a table or view is 1000", ddl.at)
  if (derived !== undefined && derived.length !== specs.length) {
    throw oraError(1730, "invalid number of column names specified", ddl.at)
  }
  specs.forEach((spec, i) => {
    if (derived !== undefined && kindOf(derived[i]!.type) === "null") {
      throw oraError(1723, "zero-length columns are not allowed", spec.at)
    }
    table.columns.push(newColumn(services, table, spec, derived?.[i]))
  })
  if (ddl.partitioning !== undefined) {
    table.partitioning = divide(services, table, ddl.partitioning)
    table.partitioning.rowMovement = ddl.rowMovement === true
  }
  core.store.create(table)
  core.tablesById.set(id, table)
  core.catalog.add(table)
  try {
    for (const spec of specs) {
      for (const constraint of spec.constraints) yield* addConstraint(services, table, constraint)
    }
    for (const constraint of ddl.constraints) yield* addConstraint(services, table, constraint)
  } catch (error) {
    dropTable(core, table)
    throw error
  }
  core.catalog.version++
}

export const dropTable = (core: Core, table: Table): void => {
  core.catalog.remove(table)
  core.tablesById.delete(table.id)
  for (const foreign of table.foreign) without(foreign.parent.children, (child) => child.table === table)
  for (const column of table.columns) {
    if (column.identity !== undefined) core.catalog.remove(column.identity.sequence)
  }
  core.store.drop(table)
}

export function* addColumn(services: DefinitionServices, table: Table, spec: ColumnSpec): Step<void> {
  const { core } = services
  const filled = hasRows(core, table)
  const column = newColumn(services, table, spec, undefined)
  if (filled && (column.identity !== undefined)) {
    throw unimplemented("adding an identity column to a table with rows", spec.at)
  }
  if (filled && !column.nullable && column.default === undefined) {
    throw oraError(1758, "table must be empty to add mandatory (NOT NULL) column", spec.at)
  }
  if (column.virtual === undefined) {
    const value = column.default === undefined || !filled ? () => null : services.defaultOf(column)
    for (const data of core.store.all(table)) {
      // No column stands in the new place yet: a definition that is broken leaves nothing that could be seen.
      yield* inTurns(data.rowNumbers(), core.store.clock, (row) =>
        data.rewrite(row, (values) => {
          const wider = [...values]
          while (wider.length < table.nextPlace) wider.push(null)
          wider[column.place] = value()
          return wider
        }))
    }
  }
  table.columns.push(column)
  core.catalog.version++
  for (const constraint of spec.constraints) yield* addConstraint(services, table, constraint)
}

export const placeOf = place
export const requireFree = isFree
export const storeIndex = createIndex
