/**
 * Names between the program and the database.
 *
 * Oracle keeps a name that was not quoted in capitals. A name without capitals therefore stands for the one in capitals, and a name
 * of the database without small letters is given in small ones. Every other name is what it is, in both directions.
 */

/** The name in the database of a name in the program. */
export const toDatabase = (name: string): string => /\p{Lu}/u.test(name) ? name : name.toUpperCase()

/** The name in the program of a name in the database. */
export const toProgram = (name: string): string => /\p{Ll}/u.test(name) ? name : name.toLowerCase()

/** A name as an identifier of SQL; a dot parts the schema, the table and the column. Oracle allows no quote inside a name. */
export const quote = (name: string): string => name.split(".").map((part) => `"${part.replaceAll("\"", "")}"`).join(".")

const part = String.raw`(?:[A-Za-z\u0080-\uffff][\w$#\u0080-\uffff]*|"[^"\0]+")`
const qualified = new RegExp(String.raw`^${part}(?:\.${part}){0,3}(?:@${part}(?:\.${part}){0,8})?$`)
const simple = new RegExp(`^${part}$`)

/** Whether a text can stand in a statement as the name of a procedure, and as nothing else. */
export const isName = (text: string): boolean => qualified.test(text)

/** Whether a text can stand in a statement as the name of an argument. */
export const isSimpleName = (text: string): boolean => simple.test(text)
