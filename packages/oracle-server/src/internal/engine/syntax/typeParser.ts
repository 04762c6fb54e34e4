/** Parses data types. */
import { oraError } from "../values/oraError.ts"
import type { TypeSpec } from "./ast.ts"
import type { ParserBase } from "./parserBase.ts"

/** Since which release SQL has a type. */
const typeReleases: Readonly<Record<string, number>> = { BOOL: 23, BOOLEAN: 23, JSON: 21, VECTOR: 23 }

/** A data type as columns, casts and variables write it, in its canonical name. */
export const parseTypeSpec = (p: ParserBase): TypeSpec => {
  const at = p.offset
  const token = p.token
  if (token.kind !== "word" && token.kind !== "quoted") throw oraError(902, "invalid datatype", at)
  p.at++
  let name = token.text
  const path = [name]
  while (p.isOp(".")) {
    p.at++
    path.push(p.name())
  }
  const since = path.length === 1 ? typeReleases[name] : undefined
  if (since !== undefined && !p.knows(since) && !(p.bindsByName && name === "BOOLEAN")) {
    throw p.bindsByName
      ? oraError(6550, `PLS-00201: identifier '${name}' must be declared`, at)
      : oraError(902, "invalid datatype", at)
  }
  const base = { args: [], unit: undefined, vectorFormat: undefined, at } as const
  if (p.isOp("%")) {
    p.at++
    const row = p.takeWord("ROWTYPE")
    if (!row) p.expectWord("TYPE")
    return { ...base, name, anchor: { path, row } }
  }
  if (path.length > 1) return { ...base, name: path.join("."), anchor: undefined }
  if (name === "DOUBLE" && p.takeWord("PRECISION")) name = "FLOAT"
  else if (name === "LONG" && p.takeWord("RAW")) name = "LONG RAW"
  else if (name === "NATIONAL") {
    if (!p.takeWord("CHARACTER")) p.expectWord("CHAR")
    name = p.takeWord("VARYING") ? "NVARCHAR2" : "NCHAR"
  } else if (name === "CHARACTER" || name === "CHAR") {
    name = p.takeWord("VARYING") ? "VARCHAR2" : p.takeWord("LARGE") ? "CLOB" : "CHAR"
  }
  const args: Array<number | undefined> = []
  let unit: "CHAR" | "BYTE" | undefined
  let vectorFormat: string | undefined
  const sizes = (): void => {
    if (!p.takeOp("(")) return
    do {
      if (p.takeOp("*")) args.push(undefined)
      else if (p.token.kind === "word") {
        vectorFormat = p.token.text
        p.at++
      } else args.push(p.integer())
      if (p.takeWord("CHAR")) unit = "CHAR"
      else if (p.takeWord("BYTE")) unit = "BYTE"
    } while (p.takeOp(","))
    p.expectOp(")")
  }
  if (name === "INTERVAL") {
    if (p.takeWord("YEAR")) {
      sizes()
      p.expectWord("TO", "MONTH")
      return { ...base, name: "INTERVAL YEAR TO MONTH", args, anchor: undefined }
    }
    p.expectWord("DAY")
    sizes()
    if (args.length === 0) args.push(2)
    p.expectWord("TO", "SECOND")
    sizes()
    return { ...base, name: "INTERVAL DAY TO SECOND", args, anchor: undefined }
  }
  sizes()
  if (name === "TIMESTAMP") {
    if (p.takeWord("WITH", "LOCAL", "TIME", "ZONE")) name = "TIMESTAMP WITH LOCAL TIME ZONE"
    else if (p.takeWord("WITH", "TIME", "ZONE")) name = "TIMESTAMP WITH TIME ZONE"
  }
  return { name, args, unit, anchor: undefined, vectorFormat, at }
}
