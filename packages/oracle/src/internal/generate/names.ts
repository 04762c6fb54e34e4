/** Names of the database as names of TypeScript: each one once. */

const words = (name: string): ReadonlyArray<string> =>
  name.replace(/%ROWTYPE$/, "_ROW").split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "")

const isMixed = (name: string): boolean => name !== name.toUpperCase() && name !== name.toLowerCase()

const capitalized = (word: string): string => word === "" ? "" : word[0]!.toUpperCase() + word.slice(1)

const safe = (name: string): string => /^\p{N}/u.test(name) || name === "" ? `_${name}` : name

/** `ORDER_LINE` is `OrderLine`; a quoted name keeps its own capitals. */
export const pascal = (name: string): string =>
  safe(words(name).map((word) => capitalized(isMixed(word) ? word : word.toLowerCase())).join(""))

export const camel = (name: string): string => {
  const made = pascal(name)
  return made[0]!.toLowerCase() + made.slice(1)
}

const reserved = new Set(
  ("await break case catch class const continue debugger default delete do else enum export extends false finally for function if " +
    "implements import in instanceof interface let new null package private protected public return static super switch this " +
    "throw true try typeof var void while with yield Effect Schema OracleBind OracleConnection Connection values")
    .split(" ")
)

/** Gives each name of a file once. */
export class Names {
  readonly #taken = new Set(reserved)

  take(wanted: string): string {
    let name = wanted
    for (let i = 2; this.#taken.has(name); i++) name = `${wanted}${i}`
    this.#taken.add(name)
    return name
  }
}

/** A property as an object has it. */
export const property = (name: string): string => /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? name : JSON.stringify(name)
