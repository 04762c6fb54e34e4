/** What a database answered to each statement of a script, in a form that can be kept in a file and compared. */

export interface RecordedColumn {
  readonly name: string
  /** As the driver names it: `NUMBER(10,2)`, `VARCHAR(20)`. */
  readonly type: string
  readonly nullable: boolean
}

/** A value as text that loses nothing; null is null. A nested cursor is its rows. */
export type RecordedValue = string | null | RecordedRows

export interface RecordedRows {
  readonly columns: ReadonlyArray<RecordedColumn>
  readonly rows: ReadonlyArray<ReadonlyArray<RecordedValue>>
  /** True when rows beyond the recorder's limit were left out. */
  readonly cut: boolean
}

export type RecordedOutcome =
  | {
    readonly _tag: "Done"
    readonly rowsAffected: number | null
    readonly result: RecordedRows | null
    readonly implicitResults: ReadonlyArray<RecordedRows>
    readonly outBinds: { readonly [name: string]: RecordedValue | ReadonlyArray<RecordedValue> }
    /** A warning such as that of a procedure with compilation errors. */
    readonly warning: string | null
    /** Lines of `dbms_output`. */
    readonly output: ReadonlyArray<string>
  }
  | {
    readonly _tag: "Failed"
    readonly code: string
    /** Where in the statement, in bytes from 0; null when the database does not say. */
    readonly offset: number | null
    readonly message: string
  }

export interface RecordedStep {
  readonly line: number
  readonly text: string
  readonly outcome: RecordedOutcome
}

export interface Recording {
  readonly format: "sessionpool recording 1"
  readonly version: string
  readonly steps: ReadonlyArray<RecordedStep>
}

/** Reads a recording from a file's text. */
export const parseRecording = (text: string): Recording => {
  const value: unknown = JSON.parse(text)
  const isRecording = typeof value === "object" && value !== null && "format" in value &&
    value.format === "sessionpool recording 1" && "steps" in value && Array.isArray(value.steps)
  if (!isRecording) throw new Error("it is no recording of this command")
  return value as unknown as Recording
}
