/** Writes the description of the columns of a query. */
import type { Column } from "../engine/engine.ts"
import { oidOf } from "../engine/values/composite.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { CharForm, WireType, wireType } from "./dataType.ts"
import { FieldVersion } from "./message.ts"
import type { TtcTerms } from "./negotiation.ts"
import { describedSize } from "./valueWriter.ts"
import { vectorFormatNumber } from "./vectorCodec.ts"

const utf8 = 873
const utf16 = 2000
const flagIsJson = 0x100
const flagOson = 0x800
const flexibleDimensions = 1

const characterTypes: ReadonlySet<number> = new Set([WireType.varchar, WireType.char, WireType.long, WireType.clob])

/** What describes one column, the `position`th from 1. */
export const writeColumnInfo = (writer: ByteWriter, column: Column, position: number, terms: TtcTerms): void => {
  const { fieldVersion, maxString } = terms
  const type = wireType(column.type)
  const character = characterTypes.has(type)
  const size = describedSize(column, maxString)
  writer.u8(type).u8(0).u8(column.precision & 0xff)
  if (terms.countedBytes) writer.sb(column.scale)
  else writer.u8(column.scale & 0xff)
  writer.ub(size)
  const { composite } = column
  // Array elements, continuation flags, object id, version.
  writer.ub(0).ub(0)
  if (composite === undefined) writer.ub(0).ub(0)
  else writer.counted(Buffer.from(oidOf(composite), "hex")).ub(1)
  writer.ub(character ? column.national ? utf16 : utf8 : 0)
  writer.u8(character ? column.national ? CharForm.national : CharForm.implicit : 0)
  writer.ub(column.maxChars)
  if (fieldVersion >= FieldVersion.v12_2) writer.ub(0)
  const name = Buffer.from(column.name, "utf8")
  writer.u8(column.nullable ? 1 : 0).u8(Math.min(name.length, 255)).counted(name)
  // Type schema and type name.
  writer.countedText(composite?.owner ?? "").countedText(composite?.name ?? "").ub(position)
  writer.ub((column.isJson ? flagIsJson : 0) | (column.type === "JSON" ? flagOson : 0))
  if (fieldVersion >= FieldVersion.v23_1) writer.ub(0).ub(0)
  if (fieldVersion >= FieldVersion.v23_1_annotations) writer.ub(0)
  if (fieldVersion >= FieldVersion.v23_4) {
    const vector = column.vector
    writer.ub(vector?.dimensions ?? 0)
      .u8(vector === undefined ? 0 : vectorFormatNumber[vector.format])
      .u8(vector !== undefined && vector.dimensions === 0 ? flexibleDimensions : 0)
  }
}

/** What describes the columns of a query: the body of DESCRIBE, of a ref cursor and of an implicit result. */
export const writeDescription = (writer: ByteWriter, columns: ReadonlyArray<Column>, terms: TtcTerms): void => {
  let rowSize = 0
  for (const column of columns) rowSize += describedSize(column, terms.maxString)
  writer.ub(rowSize).ub(columns.length)
  if (columns.length > 0) writer.u8(0)
  for (let index = 0; index < columns.length; index++) writeColumnInfo(writer, columns[index]!, index + 1, terms)
  // Date, four flags, one more counted value.
  writer.ub(0).ub(0).ub(0).ub(0).ub(0).ub(0)
}
