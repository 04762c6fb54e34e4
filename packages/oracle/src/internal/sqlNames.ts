/**
 * Names between the program and the database.
 *
 * Oracle keeps a name that was not quoted in capitals. A name without capitals therefore stands for the one in capitals, and a name
 * of the database without small letters is given in small ones. Every other name is what it is, in both directions.
 */
import { StatementError } from "./statementError.ts"

/** As Oracle changes the case of names: letter by letter. `ß`, whose capital would be two letters, stays. */
const oneToOne = (change: (letter: string) => string) => (name: string): string => {
  const changed = change(name)
  // Names in plain letters, which nearly all are, need no second look.
  // oxlint-disable-next-line no-control-regex
  if (/^[\u0000-\u007f]*$/.test(name)) return changed
  return Array.from(name, (letter) => {
    const other = change(letter)
    return [...other].length === 1 ? other : letter
  }).join("")
}

const toCapitals = oneToOne((letter) => letter.toUpperCase())
const toSmall = oneToOne((letter) => letter.toLowerCase())

/** The name in the database of a name in the program. */
export const toDatabase = (name: string): string => toSmall(name) === name ? toCapitals(name) : name

/** The name in the program of a name in the database. */
export const toProgram = (name: string): string => toCapitals(name) === name ? toSmall(name) : name

/** A name as an identifier of SQL; a dot parts the schema, the table and the column. Oracle allows no quote inside a name. */
export const quote = (name: string): string =>
  name.split(".").map((part) => {
    if (part === "") {
      throw new StatementError(`${JSON.stringify(name)} cannot be a name: it is empty, or a part of it is`)
    }
    if (/["\0]/.test(part)) {
      throw new StatementError(
        `${JSON.stringify(name)} cannot be a name: Oracle allows neither a quotation mark nor NUL in one`
      )
    }
    return `"${part}"`
  }).join(".")

const part = String.raw`(?:[A-Za-z\u0080-\uffff][\w$#\u0080-\uffff]*|"[^"\0]+")`
const qualified = new RegExp(String.raw`^${part}(?:\.${part}){0,3}(?:@${part}(?:\.${part}){0,8})?$`)
const simple = new RegExp(`^${part}$`)

/** Whether a text can stand in a statement as the name of a procedure, and as nothing else. */
export const isName = (text: string): boolean => qualified.test(text)

/** Whether a text can stand in a statement as the name of an argument. */
export const isSimpleName = (text: string): boolean => simple.test(text)

/** A name has at most 128 bytes (30 before 12.2), quotes apart. */
const mostBytes = 130

/** Whether a text can be the name of a schema, plain or quoted. */
export const isSchemaName = (name: unknown): name is string =>
  typeof name === "string" && isSimpleName(name) && Buffer.byteLength(name) <= mostBytes
