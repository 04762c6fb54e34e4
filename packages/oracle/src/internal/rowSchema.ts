/** Decodes rows with a schema; a failure names the row and the column. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { RowDecodeError } from "./rowDecodeError.ts"
import type { Row } from "./rowReader.ts"

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const failure = (error: Schema.SchemaError, row: number, sql: string | undefined): RowDecodeError => {
  const first = formatIssue(error.issue).issues?.[0]
  const step = first?.path?.[0]
  const column = typeof step === "object" ? step.key : step
  return new RowDecodeError({
    row,
    problem: first?.message ?? "does not fit the schema",
    ...(column !== undefined && { column: String(column) }),
    ...(sql !== undefined && { sql })
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
      (row, index) => Effect.mapError(decode(row), (error) => failure(error, before + index + 1, sql))
    )
}
