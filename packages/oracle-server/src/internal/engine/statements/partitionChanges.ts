/** PARTITION BY of a new table, new partitions that rows make, and ALTER TABLE about partitions. */
import { column as columnOf, type Table } from "../catalog/catalog.ts"
import {
  compareBounds,
  isBelow,
  keyOfRow,
  type Partition,
  type Partitioning,
  partitionNamed,
  partitionOfKey,
  textOfKey
} from "../catalog/partitions.ts"
import type { Row } from "../storage/row.ts"
import type { Expr, PartitionName } from "../syntax/ast.ts"
import type { PartitionAction, PartitioningSpec, PartitionSpec } from "../syntax/astPartitions.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import { kindOf } from "../values/sqlType.ts"
import type { Core } from "./core.ts"
import { committedRows } from "./validation.ts"

export interface PartitionServices {
  readonly core: Core
  /** The value of an expression without columns, as one of the type. */
  readonly constant: (expr: Expr, type: SqlType) => Stored
  readonly session: { readonly currentSchema: string }
  readonly removeRow: (table: Table, row: number) => void
  readonly addRow: (table: Table, row: Row) => void
}

const partitionOf = (
  services: Pick<PartitionServices, "core" | "constant">,
  partitioning: Omit<Partitioning, "partitions">,
  spec: PartitionSpec
): Partition => {
  const { columns, method } = partitioning
  const key = (exprs: ReadonlyArray<Expr | undefined>): ReadonlyArray<Stored | undefined> => {
    if (exprs.length !== columns.length) {
      throw exprs.length > columns.length
        ? oraError(
          14019,
          "partition bound element must be one of: string, datetime or interval literal, number, or MAXVALUE",
          spec.at
        )
        : oraError(14018, "partition bound list contains too few elements", spec.at)
    }
    return exprs.map((expr, i) => expr === undefined ? undefined : services.constant(expr, columns[i]!.type))
  }
  if (method === "RANGE" && spec.lessThan === undefined) {
    throw oraError(14004, "missing PARTITION keyword", spec.at)
  }
  if (method === "LIST" && spec.values === undefined) throw oraError(14004, "missing PARTITION keyword", spec.at)
  return {
    name: spec.name ?? `SYS_P${services.core.catalog.nextId()}`,
    id: services.core.catalog.nextId(),
    bound: spec.lessThan === undefined ? [] : key(spec.lessThan),
    values: spec.values === undefined || spec.values === "default"
      ? undefined
      : spec.values.map((each) => key(each) as ReadonlyArray<Stored>),
    from: undefined,
    text: spec.text,
    isInterval: false
  }
}

/** Puts a partition in its place; what does not fit with those that are there is refused. */
const place = (partitioning: Partitioning, partition: Partition, at: number): void => {
  const { method, partitions } = partitioning
  if (partitions.some(({ name }) => name === partition.name)) throw oraError(14013, "duplicate partition name", at)
  if (method === "RANGE") {
    const last = partitions.at(-1)
    if (last !== undefined && compareBounds(partitioning, last.bound, partition.bound) >= 0) {
      throw oraError(14074, "partition bound must collate higher than that of the last partition", at)
    }
  } else if (method === "LIST") {
    if (partition.values === undefined && partitions.some(({ values }) => values === undefined)) {
      throw oraError(14020, "this physical attribute may not be specified for a table partition", at)
    }
    checkValues(partitioning, partition.values ?? [], at)
  }
  partitions.push(partition)
}

const checkValues = (partitioning: Partitioning, values: ReadonlyArray<ReadonlyArray<Stored>>, at: number): void => {
  const known = new Map(
    partitioning.partitions.flatMap(({ name, values: own }) =>
      (own ?? []).map((value, i) => [textOfKey(partitioning, value), [name, i + 1] as const] as const)
    )
  )
  for (const [i, value] of values.entries()) {
    const other = known.get(textOfKey(partitioning, value))
    if (other !== undefined) {
      throw oraError(14312, `Value at position ${i + 1} already exists in partition ${other[0]}`, at)
    }
  }
}

/** PARTITION BY: called when the columns of the table are there. */
export const divide = (
  services: Pick<PartitionServices, "core" | "constant">,
  table: Table,
  spec: PartitioningSpec
): Partitioning => {
  const columns = spec.columns.map((name) => columnOf(table, name, spec.at))
  for (const column of columns) {
    if (column.virtual !== undefined) throw unimplemented("partitions by virtual columns", spec.at)
    if (["lc", "lb", "j", "v", "o"].includes(kindOf(column.type))) {
      throw oraError(14135, "a LOB column cannot serve as a partitioning column", spec.at)
    }
  }
  const partitioning: Partitioning = {
    method: spec.method,
    columns,
    interval: spec.interval,
    automatic: spec.automatic,
    partitions: [],
    rowMovement: false
  }
  if (spec.interval !== undefined && columns.length > 1) {
    throw oraError(14750, "Range partitioned table with INTERVAL clause has more than one column", spec.at)
  }
  for (const each of spec.partitions) {
    const partition = partitionOf(services, partitioning, each)
    if (spec.interval !== undefined && partition.bound.includes(undefined)) {
      throw oraError(14761, "MAXVALUE partition cannot be specified for Interval partitioned objects", each.at)
    }
    place(partitioning, partition, each.at)
  }
  return partitioning
}

/** A row for which there is no partition makes one where the table says so. Gives undefined when it has none. */
export const partitionFor = (
  services: { readonly core: Core; readonly value: (text: string, type: SqlType) => Stored },
  table: Table,
  row: Row
): Partition | undefined => {
  const partitioning = table.partitioning!
  const key = keyOfRow(partitioning, row)
  const found = partitionOfKey(partitioning, key)
  if (found !== undefined) return found
  const id = services.core.catalog.nextId()
  const name = `SYS_P${id}`
  if (partitioning.automatic) {
    const text = key.map((value) => value === null ? "NULL" : `'${String(value)}'`).join(", ")
    const made: Partition = { name, id, bound: [], from: undefined, values: [key], text, isInterval: true }
    partitioning.partitions.push(made)
    return made
  }
  if (partitioning.interval === undefined || key.includes(null)) return undefined
  const fixed = partitioning.partitions.findLast(({ isInterval }) => !isInterval)!
  const { type } = partitioning.columns[0]!
  const boundAt = (count: number) => `${fixed.text} + ${count} * (${partitioning.interval})`
  const isEnough = (count: number) => isBelow(partitioning, key, [services.value(boundAt(count), type)])
  let high = 1
  while (!isEnough(high)) high *= 2
  let low = Math.floor(high / 2)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (isEnough(middle)) high = middle
    else low = middle
  }
  const bound = [services.value(boundAt(high), type)]
  const from = [services.value(boundAt(high - 1), type)]
  const made: Partition = { name, id, bound, from, values: undefined, text: boundAt(high), isInterval: true }
  const { partitions } = partitioning
  const after = partitions.findIndex((other) => compareBounds(partitioning, bound, other.bound) < 0)
  partitions.splice(after < 0 ? partitions.length : after, 0, made)
  return made
}

const rowsIn = (core: Core, table: Table, partition: Partition): ReadonlyArray<ReadonlyArray<Stored>> =>
  committedRows(core, table).filter((row) =>
    partitionOfKey(table.partitioning!, keyOfRow(table.partitioning!, row)) === partition
  )

const meant = (services: PartitionServices, partitioning: Partitioning, name: PartitionName): Partition => {
  if (name.kind === "name") return partitionNamed(partitioning, name.name, name.at)
  const key = name.key.map((expr, i) => services.constant(expr, partitioning.columns[i]!.type))
  const found = partitionOfKey(partitioning, key)
  if (found === undefined) throw oraError(2149, "Specified partition does not exist", name.at)
  return found
}

const empty = (services: PartitionServices, table: Table, partition: Partition): void => {
  const rows = rowsIn(services.core, table, partition)
  if (rows.length > 0 && table.children.some(({ constraint }) => constraint.state.enabled)) {
    throw oraError(2266, "unique/primary keys in table referenced by enabled foreign keys")
  }
  for (const row of rows) services.removeRow(table, row[0] as number)
}

const remove = <A>(list: Array<A>, item: A): number => {
  const at = list.indexOf(item)
  list.splice(at, 1)
  return at
}

export const changePartitions = (services: PartitionServices, table: Table, action: PartitionAction): void => {
  const { core } = services
  const { partitioning } = table
  if (action.kind === "rowMovement") {
    if (partitioning !== undefined) partitioning.rowMovement = action.enabled
    return
  }
  if (partitioning === undefined) throw oraError(14501, "object is not partitioned")
  const { method, partitions } = partitioning
  const named = (name: string | undefined): string => name ?? `SYS_P${core.catalog.nextId()}`
  switch (action.kind) {
    case "addPartition":
      for (const spec of action.partitions) {
        if (partitioning.interval !== undefined) {
          throw oraError(14760, "ADD PARTITION is not permitted on Interval partitioned objects", spec.at)
        }
        if (method === "LIST" && partitions.some(({ values }) => values === undefined)) {
          throw oraError(14323, "cannot add partition when DEFAULT partition exists", spec.at)
        }
        place(partitioning, partitionOf(services, partitioning, spec), spec.at)
      }
      return
    case "dropPartition":
      for (const name of action.partitions) {
        const partition = meant(services, partitioning, name)
        if (method === "HASH") {
          throw oraError(
            14255,
            "table is not partitioned by Range, List, Composite Range or Composite List method",
            name.at
          )
        }
        if (partitions.length === 1) {
          throw oraError(14083, "cannot drop the only partition of a partitioned table", name.at)
        }
        empty(services, table, partition)
        remove(partitions, partition)
      }
      return
    case "truncatePartition":
      for (const name of action.partitions) empty(services, table, meant(services, partitioning, name))
      return
    case "splitPartition": {
      const partition = meant(services, partitioning, action.partition)
      const [first, second] = action.into.map(named) as [string, string]
      const keys = action.by.map((key) => key.map((expr, i) => services.constant(expr, partitioning.columns[i]!.type)))
      const at = partitions.indexOf(partition)
      const halves: Array<Partition> = []
      if (method === "RANGE") {
        const [bound] = keys
        const before = partitions[at - 1]
        const isWithin = compareBounds(partitioning, bound!, partition.bound) < 0 &&
          (before === undefined || compareBounds(partitioning, before.bound, bound!) < 0)
        if (!isWithin) throw oraError(14080, "partition cannot be split along the specified high bound", action.at)
        halves.push(
          { ...partition, id: core.catalog.nextId(), name: first, bound: bound!, text: action.text },
          { ...partition, id: core.catalog.nextId(), name: second }
        )
      } else if (method === "LIST") {
        const texts = new Set(keys.map((key) => textOfKey(partitioning, key)))
        const rest = partition.values?.filter((value) => !texts.has(textOfKey(partitioning, value)))
        const isPart = partition.values === undefined ||
          (rest!.length === partition.values.length - keys.length && rest!.length > 0)
        if (!isPart) throw oraError(14313, "Value does not exist in partition", action.at)
        halves.push(
          { ...partition, id: core.catalog.nextId(), name: first, values: keys, text: action.text },
          { ...partition, id: core.catalog.nextId(), name: second, values: rest }
        )
      } else {throw oraError(
          14255,
          "table is not partitioned by Range, List, Composite Range or Composite List method",
          action.at
        )}
      for (const half of halves) {
        if (partitions.some((other) => other !== partition && other.name === half.name) || first === second) {
          throw oraError(14011, "names assigned to resulting partitions must be distinct", action.at)
        }
      }
      partitions.splice(at, 1, ...halves)
      return
    }
    case "mergePartitions": {
      const merged = action.partitions.map((name) => meant(services, partitioning, name))
      const places = merged.map((partition) => partitions.indexOf(partition)).toSorted((a, b) => a - b)
      if (method === "HASH") {
        throw oraError(
          14255,
          "table is not partitioned by Range, List, Composite Range or Composite List method",
          action.at
        )
      }
      if (method === "RANGE" && places.some((each, i) => i > 0 && each !== places[i - 1]! + 1)) {
        throw oraError(14274, "partitions being merged are not adjacent", action.at)
      }
      const last = partitions[places.at(-1)!]!
      const isDefault = merged.some(({ values }) => values === undefined)
      const whole: Partition = {
        ...last,
        id: core.catalog.nextId(),
        name: named(action.into),
        from: partitions[places[0]!]!.from,
        values: method === "LIST" && !isDefault ? merged.flatMap(({ values }) => values ?? []) : undefined,
        text: method === "RANGE" ? last.text : isDefault ? "DEFAULT" : merged.map(({ text }) => text).join(", ")
      }
      for (const partition of merged) remove(partitions, partition)
      if (partitions.some(({ name }) => name === whole.name)) {
        throw oraError(14013, "duplicate partition name", action.at)
      }
      partitions.splice(places[0]!, 0, whole)
      return
    }
    case "exchangePartition": {
      const partition = meant(services, partitioning, action.partition)
      const other = core.catalog.table(action.table, services.session.currentSchema, action.at)
      const isSame = other.columns.length === table.columns.length &&
        other.columns.every((column, i) => kindOf(column.type) === kindOf(table.columns[i]!.type))
      if (!isSame) {
        throw oraError(14097, "column type or size mismatch in ALTER TABLE EXCHANGE PARTITION", action.at)
      }
      const moved = (from: Table, to: Table, row: ReadonlyArray<Stored>): Row => {
        const target: Row = Array.from({ length: to.nextPlace }, () => null)
        to.columns.forEach((column, i) => {
          if (column.place > 0) target[column.place] = row[from.columns[i]!.place] ?? null
        })
        return target
      }
      const out = rowsIn(core, table, partition)
      const back = committedRows(core, other)
      const incoming = back.map((row) => moved(other, table, row))
      if (incoming.some((row) => partitionOfKey(partitioning, keyOfRow(partitioning, row)) !== partition)) {
        // Rows of another partition would be found there: validation cannot be left out.
        throw oraError(14099, "all rows in table do not qualify for specified partition", action.at)
      }
      for (const row of out) services.removeRow(table, row[0] as number)
      for (const row of back) services.removeRow(other, row[0] as number)
      for (const row of incoming) services.addRow(table, row)
      for (const row of out) services.addRow(other, moved(table, other, row))
      return
    }
    case "renamePartition": {
      const partition = meant(services, partitioning, action.partition)
      if (partition.name === action.to) {
        throw oraError(14081, "new partition name must differ from the old partition name")
      }
      if (partitions.some(({ name }) => name === action.to)) {
        throw oraError(14082, "new partition name must differ from that of any other partition of the object")
      }
      partition.name = action.to
      return
    }
    case "partitionValues": {
      const partition = meant(services, partitioning, action.partition)
      if (method !== "LIST" || partition.values === undefined) throw unimplemented("MODIFY PARTITION of another method")
      const keys = action.values.map((key) =>
        key.map((expr, i) => services.constant(expr, partitioning.columns[i]!.type))
      )
      if (action.add) {
        checkValues(partitioning, keys, action.partition.at)
        const taken = new Set(keys.map((key) => textOfKey(partitioning, key)))
        const others = partitions.find(({ values }) => values === undefined)
        if (
          others !== undefined &&
          rowsIn(core, table, others).some((row) => taken.has(textOfKey(partitioning, keyOfRow(partitioning, row))))
        ) throw oraError(14324, "values being added already exist in DEFAULT partition", action.partition.at)
        partition.values = [...partition.values, ...keys]
      } else {
        const gone = new Set(keys.map((key) => textOfKey(partitioning, key)))
        if (
          rowsIn(core, table, partition).some((row) => gone.has(textOfKey(partitioning, keyOfRow(partitioning, row))))
        ) {
          throw oraError(14518, "partition contains rows corresponding to values being dropped", action.partition.at)
        }
        partition.values = partition.values.filter((value) => !gone.has(textOfKey(partitioning, value)))
      }
      partition.text = partition.values.flat().map((value) => typeof value === "string" ? `'${value}'` : String(value))
        .join(", ")
      return
    }
    case "setInterval":
      partitioning.interval = action.interval
  }
}
