/** Decodes rows with a schema; a failure names the row and the column. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Stream from "effect/Stream"
import { RowDecodeError } from "./rowDecodeError.ts"
import type { Row } from "./rowReader.ts"
import { redactStatement } from "./secretRedaction.ts"

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const plain = (name: string): string => name.replaceAll("_", "").toLowerCase()

/** What the row has under another spelling of the name that the schema asks for. */
const hint = (given: Row, column: PropertyKey | undefined): string => {
  if (typeof column !== "string" || column in given) return ""
  const near = Object.keys(given).find((name) => plain(name) === plain(column))
  return near === undefined
    ? ""
    : `; the row has ${JSON.stringify(near)}: set columnNames to "lower" or "camel", or select it as "${column}"`
}

const failure = (error: Schema.SchemaError, given: Row, row: number, sql: string | undefined): RowDecodeError => {
  const first = formatIssue(error.issue).issues?.[0]
  const step = first?.path?.[0]
  const column = typeof step === "object" ? step.key : step
  return new RowDecodeError({
    row,
    problem: `${first?.message ?? "does not fit the schema"}${hint(given, column)}`,
    ...(column !== undefined && { column: String(column) }),
    ...(sql !== undefined && { sql: redactStatement(sql) })
  })
}

/** A decoder of rows of which `before` have come already. */
export const rowDecoder = <S extends Schema.Constraint>(schema: S, sql: string | undefined) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (rows: ReadonlyArray<Row>, before: number): Effect.Effect<
    ReadonlyArray<S["Type"]>,
    RowDecodeError,
    S["DecodingServices"]
  > =>
    Effect.forEach(
      rows,
      (row, index) => Effect.mapError(decode(row), (error) => failure(error, row, before + index + 1, sql))
    )
}

/** The rows of a stream, decoded. */
export const decodedStream = <S extends Schema.Constraint, E, R>(
  rows: Stream.Stream<Row, E, R>,
  schema: S,
  sql: string
): Stream.Stream<S["Type"], E | RowDecodeError, R | S["DecodingServices"]> => {
  const decode = rowDecoder(schema, sql)
  return Stream.suspend(() => {
    let before = 0
    return Stream.mapArrayEffect(rows, (found) => {
      const from = before
      before += found.length
      return decode(found, from) as Effect.Effect<
        readonly [S["Type"], ...Array<S["Type"]>],
        RowDecodeError,
        S["DecodingServices"]
      >
    })
  })
}
