/** An anonymous block as a statement of the session. */
import type { BindArray, ExecuteResult, OutBind, TypeName, Value } from "../engine.ts"
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { SessionStatement } from "../statements/plans.ts"
import { typesKey } from "../statements/plans.ts"
import type { Step } from "../storage/waiting.ts"
import type { PlsqlBlock } from "../syntax/astPlsql.ts"
import { lineAndColumn } from "../syntax/places.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { fit } from "../values/fit.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { decoderFor } from "../values/values.ts"
import { located } from "./exceptions.ts"
import { newMachine } from "./interpreter.ts"
import type { PlsqlHost } from "./machine.ts"
import type { RunDynamic } from "./native.ts"
import { newProgram, type Program } from "./program.ts"

const programs = new WeakMap<object, Map<string, Program>>()

/** Compiled parts are kept for as long as the statement, its bind types and the catalog stay the same. */
const programOf = (host: PlsqlHost, statement: SessionStatement, types: ReadonlyArray<SqlType>): Program => {
  const { version } = host.core.catalog
  const { currentSchema, rights } = host.executor.state
  let byTypes = programs.get(statement)
  if (byTypes === undefined) {
    byTypes = new Map()
    programs.set(statement, byTypes)
  }
  const key = typesKey(types)
  const known = byTypes.get(key)
  if (
    known !== undefined && known.version === version && known.schema === currentSchema && known.rights === rights.key
  ) return known
  const program = { ...newProgram(statement.sql, version, currentSchema), rights: rights.key }
  byTypes.set(key, program)
  return program
}

function* runOnce(
  host: PlsqlHost,
  statement: SessionStatement,
  block: PlsqlBlock,
  types: ReadonlyArray<SqlType>,
  binds: Array<Stored>,
  { arrays, cursors, rooms }: Omit<BlockBinds, "row"> = { arrays: new Map(), cursors: new Map(), rooms: new Map() }
) {
  const machine = newMachine(host, programOf(host, statement, types), types, binds)
  for (const [index, array] of arrays) machine.bindArrays.set(index, array)
  for (const [index, room] of rooms) machine.bindRooms.set(index, room)
  for (const [index, cursor] of cursors) machine.bindCursors.set(index, cursor)
  try {
    yield* machine.block(block, host.units.root)
  } catch (error) {
    throw error instanceof OraError ? located(error, machine.unit) : error
  }
  return machine
}

/** EXECUTE IMMEDIATE of a block. */
export const dynamicBlocks = (host: PlsqlHost): RunDynamic =>
  function*(sql, typed, outs) {
    const inner = host.executor.parse(sql)
    if (inner.parsed.kind !== "plsql") throw oraError(900, "invalid SQL statement")
    const types = typed.map((bind, i) =>
      outs[i] === true && bind.type.name === "NULL"
        ? { ...bind.type, name: "VARCHAR2" as const, size: 32767 }
        : bind.type
    )
    const machine = yield* runOnce(host, inner, inner.parsed.block, types, typed.map((bind) => bind.value))
    return machine.binds.map((value, i) => ({ value, type: types[i]! }))
  }

/** Values of one iteration; index-by tables apart, by index. */
export interface BlockBinds {
  readonly row: ReadonlyArray<Stored>
  readonly arrays: ReadonlyMap<number, ReadonlyArray<Stored>>
  /** How many elements fit in each of them. */
  readonly rooms: ReadonlyMap<number, number>
  /** REF CURSORs that the client hands in. */
  readonly cursors: ReadonlyMap<number, QueryCursor>
}

export function* runBlockStatement(
  host: PlsqlHost,
  statement: SessionStatement,
  block: PlsqlBlock,
  types: ReadonlyArray<SqlType>,
  rows: ReadonlyArray<BlockBinds>
): Step<ExecuteResult> {
  const { transaction } = host.executor
  const outs = statement.placeholders.flatMap((placeholder, index) =>
    placeholder.direction === "out" || placeholder.direction === "inout"
      ? [{ index, direction: placeholder.direction }]
      : []
  )
  const values = outs.map((): Array<Value | BindArray> => [])
  host.implicitResults = []
  for (const { arrays, cursors, rooms, row } of rows) {
    const mark = transaction.mark()
    const binds = row.map((value, i) => statement.placeholders[i]!.direction === "out" ? null : value)
    try {
      const machine = yield* runOnce(host, statement, block, types, binds, { arrays, cursors, rooms })
      outs.forEach(({ index }, i) => {
        const cursor = machine.bindCursors.get(index)
        if (cursor !== undefined) {
          host.keepCursor(cursor)
          values[i]!.push(cursor)
          return
        }
        const type = types[index]!
        const array = machine.bindArrays.get(index)
        if (array !== undefined) {
          values[i]!.push(array.map((item) => decoderFor(type)(item)))
          return
        }
        values[i]!.push(
          type.name === "CURSOR" ? null : decoderFor(type)(fit(machine.binds[index]!, type, { kind: "plsql" }))
        )
      })
    } catch (error) {
      // A block that fails leaves nothing of what it has not committed itself.
      host.executor.undoSince(transaction, mark)
      if (error instanceof OraError && error.code === 6550 && !error.message.includes(": line ")) {
        const [line, column] = lineAndColumn(statement.sql, error.offset)
        const text = error.message.replace(/^ORA-06550: /, "")
        throw oraError(
          6550,
          `line ${line}, column ${column}:\n${text}\nORA-06550: line ${line}, column ${column}:\nPL/SQL: Statement ignored`,
          error.offset
        )
      }
      throw error
    }
  }
  const { implicitResults } = host
  host.implicitResults = []
  for (const cursor of implicitResults) host.keepCursor(cursor)
  const outBinds = outs.map(({ direction, index }, i): OutBind => ({
    index,
    direction,
    type: types[index]!.name as TypeName,
    values: values[i]!
  }))
  return {
    rowCount: rows.length,
    ...(outBinds.length === 0 ? {} : { outBinds }),
    ...(implicitResults.length === 0 ? {} : { implicitResults })
  }
}
