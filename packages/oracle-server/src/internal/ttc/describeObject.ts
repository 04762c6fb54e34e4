/** Answers DESCRIBE: the columns of a table or view, read by its name. */
import type { Column, EngineSession } from "../engine/engine.ts"
import { oraError } from "../engine/oraError.ts"
import type { ByteReader } from "./byteReader.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { CharForm, wireType } from "./dataType.ts"
import { FieldVersion, MessageType } from "./message.ts"
import type { TtcTerms } from "./negotiation.ts"

/** Reads the body of DESCRIBE OBJECT: the name of a table, as it was written. */
export const parseDescribeObject = (reader: ByteReader, terms: TtcTerms): string => {
  reader.skip(1)
  const length = reader.ub4()
  reader.skip(1)
  reader.ub4()
  reader.skip(1)
  reader.ub4()
  return reader.text(length, terms.countedTexts)
}

const part = "(?:\"[^\"]+\"|[\\p{L}\\p{N}_$#]+)"
const tableName = new RegExp(`^${part}(?:\\.${part})?$`, "u")

/** Writes the columns of a table, which JDBC asks for before it returns the keys that an INSERT has generated. */
export const describeObject = (session: EngineSession, name: string, writer: ByteWriter, terms: TtcTerms): void => {
  if (!tableName.test(name)) throw oraError(903, "invalid table name")
  const columns = session.describe(session.parse(`select * from ${name}`)) ?? []
  writer.u8(MessageType.parameter).ub(0)
  writeDescriptor(writer, {
    head: () => {
      // The kind, a table, then names and numbers that are not looked at.
      writer.u8(0).u8(tableKind).ub(0).ub(0).ub(0).ub(0).ub(0)
    },
    list: () => {
      writer.u8(0).u8(0).ub(columns.length).u8(0)
      for (const column of columns) writeDescriptor(writer, { column: () => writeColumn(writer, column, terms) })
    }
  })
}

const tableKind = 1

/** A descriptor has twenty-four parts. Each begins with whether it is there; only these three are ever sent. */
const writeDescriptor = (
  writer: ByteWriter,
  parts: { readonly head?: () => void; readonly list?: () => void; readonly column?: () => void }
): void => {
  const optional = (write: (() => void) | undefined) => {
    writer.ub(write === undefined ? 0 : 1)
    write?.()
  }
  optional(parts.head)
  writer.ub(0).u8(0)
  optional(parts.list)
  // Table, view, procedure, function, package, type.
  writer.zeros(6)
  optional(parts.column)
  // Argument, sequence, type attribute, schema, database; six and two parts of later versions.
  writer.zeros(13)
}

const writeColumn = (writer: ByteWriter, column: Column, terms: TtcTerms): void => {
  const { fieldVersion } = terms
  writer.u8(0).ub(Math.min(column.maxSize, 65_535)).ub(wireType(column.type)).countedText(column.name)
  writer.u8(column.precision & 0xff)
  if (terms.countedBytes) writer.sb(column.scale)
  else writer.u8(column.scale & 0xff)
  writer.u8(column.nullable ? 1 : 0)
  // Schema and name of the type, default value, character set.
  writer.ub(0).ub(0).ub(0).ub(0)
  writer.u8(column.national ? CharForm.national : CharForm.implicit)
  writer.zeros(4).ub(0).u8(0)
  if (fieldVersion >= FieldVersion.v12_2) writer.zeros(3)
  if (fieldVersion >= FieldVersion.v20) writer.ub(0)
  if (fieldVersion >= FieldVersion.v23_1) writer.zeros(2)
  if (fieldVersion >= FieldVersion.v23_1_annotations) writer.ub(0)
  if (fieldVersion >= FieldVersion.v23_4) writer.ub(0).u8(0).u8(0)
}
