/**
 * The objects of the database: tables, views, sequences, synonyms, stored procedures, by owner and name.
 *
 * An object is plain data with references to others, never to rows, so that a snapshot can copy all of them.
 */
import type { Expr, Query } from "../syntax/ast.ts"
import { oidOf } from "../values/composite.ts"
import type { CompositeType, RecordType, SqlType } from "../values/dataTypes.ts"
import { oraError } from "../values/oraError.ts"
import type { ConstraintState } from "./constraintState.ts"
import { copyGraph } from "./copyGraph.ts"
import type { Partitioning } from "./partitions.ts"
import type { Queue, QueueTable } from "./queues.ts"
import { systemType } from "./systemTypes.ts"
import { type Package, type StoredProcedure, type StoredType, type Trigger, triggerOf, type Unit } from "./units.ts"

export interface ColumnDef {
  name: string
  type: SqlType
  nullable: boolean
  default: Expr | undefined
  defaultText: string | undefined
  defaultOnNull: boolean
  identity: { readonly mode: "always" | "default" | "onnull"; readonly sequence: Sequence } | undefined
  virtual: Expr | undefined
  /** Where its value stands in a row; the first place is the row's number. A virtual column has none: -1. */
  readonly place: number
  readonly isJson: boolean
  /** Not among the columns that `*` and an INSERT without a list stand for. */
  invisible: boolean
  comment?: string
}

export interface KeyConstraint {
  readonly type: "primary" | "unique"
  readonly name: string
  state: ConstraintState
  readonly columns: ReadonlyArray<ColumnDef>
  readonly indexName: string
  readonly generated: boolean
  /** Of the index that finds its rows. */
  readonly indexId: number
  /** Columns that a primary key does not let be null and that may be null without it. */
  readonly madeNotNull: ReadonlyArray<ColumnDef>
}

export interface ForeignConstraint {
  readonly type: "foreign"
  readonly name: string
  state: ConstraintState
  readonly columns: ReadonlyArray<ColumnDef>
  readonly parent: Table
  readonly key: KeyConstraint
  readonly onDelete: "cascade" | "set null" | undefined
  readonly generated: boolean
  /** Of the index over the referencing columns. */
  readonly indexId: number
}

export interface CheckConstraint {
  readonly type: "check"
  readonly name: string
  state: ConstraintState
  readonly expr: Expr
  readonly text: string
  readonly generated: boolean
}

export interface ExpressionIndex {
  readonly name: string
  readonly owner: string
  /** The text of each expression, and the name of its column: one that the database makes, for what is no column. */
  readonly columns: ReadonlyArray<{ readonly name: string; readonly text: string; readonly isColumn: boolean }>
}

interface IndexDef {
  readonly name: string
  readonly owner: string
  readonly unique: boolean
  readonly columns: ReadonlyArray<ColumnDef>
  /** Which of them are DESC: to the database, an index over an expression of the column. */
  readonly descending: ReadonlyArray<boolean>
  readonly indexId: number
}

export interface Table {
  readonly kind: "table"
  readonly id: number
  readonly owner: string
  name: string
  /** Of a materialized view: what its rows are the result of. */
  materialized?: {
    readonly query: Query
    readonly text: string
    readonly isDeferred: boolean
    readonly method: "FORCE" | "COMPLETE" | "FAST" | "NEVER"
    readonly rewrite: boolean
    /** Seconds since 1970; undefined before its first refresh. */
    refreshed: number | undefined
  }
  /** There is a log for materialized views of it. */
  hasMviewLog?: boolean
  /** How its rows are divided, if they are. */
  partitioning?: Partitioning
  /** ALTER TABLE … READ ONLY. */
  readOnly?: boolean
  readonly columns: Array<ColumnDef>
  readonly keys: Array<KeyConstraint>
  readonly foreign: Array<ForeignConstraint>
  readonly checks: Array<CheckConstraint>
  readonly indexes: Array<IndexDef>
  /** Function-based ones: they change no answer, so nothing is kept but what the dictionary shows. */
  readonly expressionIndexes: Array<ExpressionIndex>
  /** Foreign keys that point here. */
  readonly children: Array<{ readonly table: Table; readonly constraint: ForeignConstraint }>
  readonly temporary: "delete" | "preserve" | undefined
  /** The next free place in a row. */
  nextPlace: number
  comment?: string
}

export interface View {
  readonly kind: "view"
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly columns: ReadonlyArray<string>
  readonly query: Query
  readonly text: string
  /** Keys of the objects that its query names. */
  readonly references: ReadonlySet<string>
  readonly readOnly: boolean
  /** Changes through it must leave rows that it shows. */
  readonly checkOption: boolean
  /** Its columns as they were when it was made. */
  readonly described: ReadonlyArray<{ readonly name: string; readonly type: SqlType; readonly nullable: boolean }>
}

export interface Sequence {
  readonly kind: "sequence"
  readonly id: number
  readonly owner: string
  readonly name: string
  increment: bigint
  min: bigint
  max: bigint
  cycle: boolean
  cache: number
  order: boolean
  /** What the next NEXTVAL gives. */
  next: bigint
  readonly internal: boolean
}

export interface Synonym {
  readonly kind: "synonym"
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly target: ReadonlyArray<string>
}

export type CatalogObject = Table | View | Sequence | Synonym | StoredProcedure | Package | StoredType

/** What `%ROWTYPE` of a table or a view gives. */
export const rowTypeOf = (object: Table | View): RecordType => ({
  kind: "record",
  owner: object.owner,
  package: undefined,
  name: `${object.name}%ROWTYPE`,
  attributes: (object.kind === "table" ? object.columns : object.described).map(({ name, type }) => ({ name, type }))
})

/** What a catalog holds, as a copy that nothing changes. */
export interface CatalogSnapshot {
  readonly objects: ReadonlyMap<string, CatalogObject>
  readonly triggers: ReadonlyMap<string, Trigger>
  readonly queueTables: ReadonlyMap<string, QueueTable>
  readonly queues: ReadonlyMap<string, Queue>
  readonly schemas: ReadonlySet<string>
  readonly lastId: number
}

export const keyOf = (object: { readonly owner: string; readonly name: string }): string =>
  `${object.owner}.${object.name}`

export class Catalog {
  /** `OWNER.NAME`; the public synonyms have the owner PUBLIC. */
  readonly objects = new Map<string, CatalogObject>()
  readonly schemas = new Set(["SYS", "SYSTEM", "PUBLIC"])
  /** Grows with every definition: what was compiled under another number is compiled again. */
  version = 0
  /** By `OWNER.NAME`: they have names of their own beside those of the objects. */
  readonly triggers = new Map<string, Trigger>()
  /** By `OWNER.NAME`, each beside the table with its messages. */
  readonly queueTables = new Map<string, QueueTable>()
  /** By `OWNER.NAME`: they too have names of their own. */
  readonly queues = new Map<string, Queue>()
  /** While a unit is compiled: where the keys of what it refers to are collected. */
  recorder: Set<string> | undefined
  /** Finds out what the specification of a type says, and what is wrong with it: set by who can read it. */
  compileType: (stored: StoredType) => void = () => undefined
  #lastId = 70_000
  #byId: { readonly version: number; readonly types: ReadonlyMap<string, CompositeType> } | undefined
  #triggersOf: { readonly version: number; readonly byTable: Map<string, Array<Trigger>> } | undefined

  nextId(): number {
    return ++this.#lastId
  }

  snapshot(): CatalogSnapshot {
    return {
      objects: new Map([...copyGraph(this.objects)].map(([key, object]) => [key, withOwnUnits(object)])),
      triggers: new Map([...copyGraph(this.triggers)].map(([key, trigger]) => [key, withOwnUnit(trigger)])),
      queueTables: new Map(this.queueTables),
      queues: copyGraph(this.queues),
      schemas: new Set(this.schemas),
      lastId: this.#lastId
    }
  }

  /** Becomes what the snapshot says; what was compiled before is compiled again. */
  restore({ lastId, objects, queueTables, queues, schemas, triggers }: CatalogSnapshot): void {
    this.objects.clear()
    for (const [key, object] of copyGraph(objects)) this.objects.set(key, withOwnUnits(object))
    this.triggers.clear()
    for (const [key, trigger] of triggers) this.triggers.set(key, withOwnUnit(trigger))
    this.queueTables.clear()
    for (const [key, table] of queueTables) this.queueTables.set(key, table)
    this.queues.clear()
    for (const [key, queue] of copyGraph(queues)) this.queues.set(key, queue)
    this.schemas.clear()
    for (const schema of schemas) this.schemas.add(schema)
    this.#lastId = Math.max(this.#lastId, lastId)
    this.version++
  }

  add(object: CatalogObject): void {
    this.objects.set(keyOf(object), object)
    this.changed(object)
  }

  /** The object is another one than before: what was compiled with it has to be compiled again. */
  changed(object: { readonly owner: string; readonly name: string }): void {
    this.version++
    this.invalidate(keyOf(object))
  }

  /** Units that name this object, and those that name them. */
  invalidate(key: string): void {
    for (const unit of this.units()) {
      if (!unit.valid || !unit.references.has(key) || keyOf(unit) === key) continue
      unit.invalidate()
      // What depends on a package or a type depends on its specification alone.
      if (unit.type === "PACKAGE BODY" || unit.type === "TYPE BODY") continue
      const own = keyOf(unit)
      const object = unit.type === "TYPE" ? this.objects.get(own) : undefined
      if (object?.kind === "type") object.body?.invalidate()
      this.invalidate(own)
    }
  }

  *units(): Iterable<Unit> {
    for (const object of this.objects.values()) {
      if (object.kind === "procedure") yield object.unit
      else if (object.kind === "package" || object.kind === "type") {
        if (!object.spec.isAbsent) yield object.spec
        if (object.body !== undefined) yield object.body
      }
    }
    for (const trigger of this.triggers.values()) yield trigger.unit
  }

  /** The triggers of a table or a view, in the order in which they fire. */
  triggersOn(object: { readonly owner: string; readonly name: string }): ReadonlyArray<Trigger> {
    if (this.triggers.size === 0) return noTriggers
    if (this.#triggersOf?.version !== this.version) {
      const byTable = new Map<string, Array<Trigger>>()
      for (const trigger of inOrder([...this.triggers.values()])) {
        const list = byTable.get(trigger.table) ?? []
        list.push(trigger)
        byTable.set(trigger.table, list)
      }
      this.#triggersOf = { version: this.version, byTable }
    }
    return this.#triggersOf.byTable.get(keyOf(object)) ?? noTriggers
  }

  remove(object: CatalogObject): void {
    // Another object may have its name by now, when a snapshot was restored meanwhile.
    if (this.objects.get(keyOf(object)) !== object) return
    this.objects.delete(keyOf(object))
    this.changed(object)
    if (object.kind !== "table" && object.kind !== "view") return
    for (const [key, trigger] of this.triggers) if (trigger.table === keyOf(object)) this.triggers.delete(key)
  }

  /** Follows synonyms; undefined when nothing has that name. */
  find(path: ReadonlyArray<string>, schema: string, depth = 0): Exclude<CatalogObject, Synonym> | undefined {
    if (depth > 20) throw oraError(1775, "looping chain of synonyms")
    const object = path.length === 1
      ? this.objects.get(`${schema}.${path[0]}`) ?? this.objects.get(`PUBLIC.${path[0]}`)
      : path.length === 2
      ? this.objects.get(`${path[0]}.${path[1]}`)
      : undefined
    if (object !== undefined) this.recorder?.add(keyOf(object))
    if (object?.kind !== "synonym") return object
    return this.find(object.target, object.owner === "PUBLIC" ? schema : object.owner, depth + 1)
  }

  /** PLS-00905 for a type that has errors. */
  typeOf(path: ReadonlyArray<string>, schema: string): StoredType["type"] {
    const object = path.length > 2 ? undefined : this.find(path, schema)
    if (object === undefined || (object.kind === "type" && object.spec.isAbsent)) return systemType(path)
    if (object.kind !== "type") return undefined
    const { spec } = object
    // What was wrong may have been put right meanwhile.
    if (!spec.valid && spec.compiledAt !== this.version) this.compileType(object)
    if (!spec.valid) throw oraError(6550, `PLS-00905: object ${keyOf(object)} is invalid`)
    return object.type
  }

  /** The type with this id: one of CREATE TYPE, or the row of a table or a view. */
  typeById(oid: string): CompositeType | undefined {
    if (this.#byId?.version !== this.version) {
      const types = new Map<string, CompositeType>()
      for (const object of this.objects.values()) {
        if (object.kind === "type") {
          if (object.type !== undefined) types.set(oidOf(object.type), object.type)
        } else if (object.kind === "table" || object.kind === "view") {
          const row = rowTypeOf(object)
          types.set(oidOf(row), row)
        }
      }
      this.#byId = { version: this.version, types }
    }
    return this.#byId.types.get(oid)
  }

  table(path: ReadonlyArray<string>, schema: string, at: number): Table {
    const object = this.find(path, schema)
    if (object?.kind === "table") return object
    if (object?.kind === "view") throw oraError(1732, "data manipulation operation not legal on this view", at)
    throw this.missing(path, schema, at)
  }

  missing(path: ReadonlyArray<string>, schema: string, at: number): Error {
    const full = path.length === 1 ? [schema, path[0]!] : path
    return oraError(942, `table or view ${full.map((part) => `"${part}"`).join(".")} does not exist`, at)
  }

  constraintExists(owner: string, name: string): boolean {
    for (const object of this.objects.values()) {
      if (object.kind !== "table" || object.owner !== owner) continue
      if ([...object.keys, ...object.foreign, ...object.checks].some((constraint) => constraint.name === name)) {
        return true
      }
    }
    return false
  }

  *tables(): Iterable<Table> {
    for (const object of this.objects.values()) if (object.kind === "table") yield object
  }
}

/** Units are changed in place: each database has its own. */
const withOwnUnits = (object: CatalogObject): CatalogObject => {
  if (object.kind === "procedure") return { ...object, unit: object.unit.copy() }
  if (object.kind !== "package" && object.kind !== "type") return object
  return { ...object, spec: object.spec.copy(), body: object.body?.copy() }
}

const withOwnUnit = (trigger: Trigger): Trigger => ({ ...trigger, unit: trigger.unit.copy() })

const noTriggers: ReadonlyArray<Trigger> = []

/** Those that FOLLOWS names come first; otherwise in the order in which they were made. */
const inOrder = (triggers: ReadonlyArray<Trigger>): ReadonlyArray<Trigger> => {
  const ordered: Array<Trigger> = []
  const place = (trigger: Trigger, depth: number): void => {
    if (ordered.includes(trigger) || depth > triggers.length) return
    for (const path of triggerOf(trigger)?.follows ?? []) {
      const first = triggers.find((other) =>
        other.name === path.at(-1) && (path.length === 1 || other.owner === path[0])
      )
      if (first !== undefined) place(first, depth + 1)
    }
    ordered.push(trigger)
  }
  for (const trigger of [...triggers].sort((a, b) => a.id - b.id)) place(trigger, 0)
  return ordered
}

export const column = (table: Table, name: string, at: number): ColumnDef => {
  const found = table.columns.find((candidate) => candidate.name === name)
  if (found === undefined) throw oraError(904, `"${name}": invalid identifier`, at)
  return found
}
