/** Compares two recordings of one script and says in words where they differ. */
import type { RecordedOutcome, RecordedRows, RecordedStep, RecordedValue, Recording } from "./recording.ts"

interface Difference {
  readonly line: number
  readonly text: string
  /** What differs: `code`, `offset`, `value`, … */
  readonly what: string
  readonly left: string
  readonly right: string
}

type Found = Omit<Difference, "line" | "text">

const show = (value: unknown): string =>
  value === null ? "null" : typeof value === "string" ? value : JSON.stringify(value)

const differ = (what: string, left: unknown, right: unknown): ReadonlyArray<Found> =>
  JSON.stringify(left) === JSON.stringify(right) ? [] : [{ what, left: show(left), right: show(right) }]

// Without an order the rows of a query are a set; a database may give them in any order.
const sorted = (rows: RecordedRows["rows"]): RecordedRows["rows"] =>
  rows.map((row) => [JSON.stringify(row), row] as const).toSorted(([a], [b]) => a < b ? -1 : a > b ? 1 : 0).map((
    [, row]
  ) => row)

const rowsDiffer = (
  what: string,
  isOrdered: boolean,
  left: RecordedRows,
  right: RecordedRows
): ReadonlyArray<Found> => {
  const columns = left.columns.length === right.columns.length
    ? left.columns.flatMap((column, index) => {
      const other = right.columns[index]!
      return [
        ...differ(`${what} column ${index + 1} name`, column.name, other.name),
        ...differ(`${what} column ${column.name} type`, column.type, other.type),
        ...differ(`${what} column ${column.name} nullable`, column.nullable, other.nullable)
      ]
    })
    : differ(`${what} columns`, left.columns.map(({ name }) => name), right.columns.map(({ name }) => name))
  if (left.columns.length !== right.columns.length) return columns
  if (left.rows.length !== right.rows.length) {
    return [...columns, ...differ(`${what} number of rows`, left.rows.length, right.rows.length)]
  }
  const [ours, theirs] = isOrdered ? [left.rows, right.rows] : [sorted(left.rows), sorted(right.rows)]
  return [
    ...columns,
    ...ours.flatMap((row, at) =>
      row.flatMap((value, index) =>
        valuesDiffer(`${what} row ${at + 1} column ${left.columns[index]!.name}`, isOrdered, value, theirs[at]![index]!)
      )
    )
  ]
}

const valuesDiffer = (
  what: string,
  isOrdered: boolean,
  left: RecordedValue,
  right: RecordedValue
): ReadonlyArray<Found> =>
  typeof left === "object" && left !== null && typeof right === "object" && right !== null
    ? rowsDiffer(what, isOrdered, left, right)
    : differ(`${what} value`, left, right)

const outcomesDiffer = (isOrdered: boolean, left: RecordedOutcome, right: RecordedOutcome): ReadonlyArray<Found> => {
  if (left._tag === "Failed" && right._tag === "Failed") {
    const code = differ("code", left.code, right.code)
    return code.length > 0
      ? [{ what: "code", left: left.message, right: right.message }]
      : differ("offset", left.offset, right.offset)
  }
  if (left._tag === "Failed" || right._tag === "Failed") {
    const say = (outcome: RecordedOutcome) => outcome._tag === "Failed" ? outcome.message : "success"
    return [{ what: "outcome", left: say(left), right: say(right) }]
  }
  const implicit = left.implicitResults.length === right.implicitResults.length
    ? left.implicitResults.flatMap((rows, index) =>
      rowsDiffer(`implicit result ${index + 1}`, isOrdered, rows, right.implicitResults[index]!)
    )
    : differ("number of implicit results", left.implicitResults.length, right.implicitResults.length)
  const names = [...new Set([...Object.keys(left.outBinds), ...Object.keys(right.outBinds)])]
  return [
    ...(left.result !== null && right.result !== null
      ? rowsDiffer("result", isOrdered, left.result, right.result)
      : differ("result", left.result === null ? "none" : "rows", right.result === null ? "none" : "rows")),
    ...implicit,
    ...names.flatMap((name) =>
      differ(`out bind ${name} value`, left.outBinds[name] ?? null, right.outBinds[name] ?? null)
    ),
    ...differ("rows affected", left.rowsAffected, right.rowsAffected),
    ...differ("warning", left.warning, right.warning),
    ...differ("dbms_output", left.output, right.output)
  ]
}

const isSame = (left: RecordedStep, right: RecordedStep): boolean => left.text === right.text

/** Every difference, in the order of the script. Messages are not compared, their codes are. */
export const differences = (left: Recording, right: Recording): ReadonlyArray<Difference> => {
  const count = Math.max(left.steps.length, right.steps.length)
  const found: Array<Difference> = []
  for (let index = 0; index < count; index++) {
    const ours = left.steps[index]
    const theirs = right.steps[index]
    if (ours === undefined || theirs === undefined || !isSame(ours, theirs)) {
      const { line, text } = (ours ?? theirs)!
      found.push({ line, text, what: "statement", left: ours?.text ?? "none", right: theirs?.text ?? "none" })
      return found
    }
    const isOrdered = /\border\s+(?:siblings\s+)?by\b/i.test(ours.text)
    for (const one of outcomesDiffer(isOrdered, ours.outcome, theirs.outcome)) {
      found.push({ line: ours.line, text: ours.text, ...one })
    }
  }
  return found
}

const firstLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ")
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}

/** The differences as text: each statement once, with what the left and the right database said. */
export const describeDifferences = (
  list: ReadonlyArray<Difference>,
  names: { readonly script: string; readonly left: string; readonly right: string }
): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let last = -1
  for (const { left, line, right, text, what } of list) {
    if (line !== last) lines.push(`${names.script}:${line}  ${firstLine(text)}`)
    last = line
    lines.push(`  ${what}`, `    ${names.left}: ${left}`, `    ${names.right}: ${right}`)
  }
  return lines
}
