/** `t PARTITION (p)`: a condition on the rows of a table that is divided. */
import type { Table } from "../catalog/catalog.ts"
import { keyOfRow, type Partition, partitionNamed, partitionOfKey } from "../catalog/partitions.ts"
import { Frame } from "../execute/frame.ts"
import type { Row } from "../storage/row.ts"
import type { PartitionName } from "../syntax/ast.ts"
import type { Stored } from "../values/composite.ts"
import { oraError } from "../values/oraError.ts"
import { BOOLEAN, NUMBER } from "../values/sqlType.ts"
import type { Compilation } from "./compilation.ts"
import { convertTo } from "./operators.ts"
import { columnTerm, derived, newScope, type Term } from "./term.ts"

/** The values of a key, which are constants. */
const keyOf = (c: Compilation, table: Table, name: Extract<PartitionName, { kind: "for" }>): ReadonlyArray<Stored> => {
  const { columns } = table.partitioning!
  if (name.key.length !== columns.length) throw oraError(14122, "invalid partition key", name.at)
  const frame = new Frame(undefined as never, c.context.session, { scn: 0, sid: 0, statement: 0 }, [])
  return name.key.map((expr, i) =>
    convertTo(c.expr(c, expr, newScope(undefined)), columns[i]!.type, expr.at).eval(frame)
  )
}

const partitionMeant = (c: Compilation, table: Table, name: PartitionName): Partition => {
  const { partitioning } = table
  if (partitioning === undefined) {
    throw oraError(14501, "object is not partitioned", name.at)
  }
  if (name.kind === "name") return partitionNamed(partitioning, name.name, name.at)
  const found = partitionOfKey(partitioning, keyOf(c, table, name))
  if (found === undefined) throw oraError(2149, "Specified partition does not exist", name.at)
  return found
}

const isInPartition = (table: Table, partition: Partition, row: Row): boolean =>
  partitionOfKey(table.partitioning!, keyOfRow(table.partitioning!, row)) === partition

export const partitionTerm = (c: Compilation, table: Table, name: PartitionName, slot: number): Term => {
  const partition = partitionMeant(c, table, name)
  return derived([columnTerm(slot, 0, NUMBER, true)], `partition:${partition.id}`, BOOLEAN, false, (f) => {
    const row = f.rows[slot]!
    return row[0] !== null && isInPartition(table, partition, row) ? 1 : 0
  }, { condition: true })
}
