/** Reads a script for the recorder: its statements, where they stand, and the binds that comments give them. */
import { locateStatements } from "../engine/syntax/script.ts"

/** A bind as a script writes it: a plain value, or an object with a type, a direction or a room. */
export type ScriptBind =
  | string
  | number
  | boolean
  | null
  | {
    readonly val?: string | number | boolean | null
    /** A name of the driver's types without `DB_TYPE_`: `NUMBER`, `VARCHAR`, `TIMESTAMP`, `CLOB`. */
    readonly type?: string
    readonly dir?: "in" | "out" | "inout"
    readonly maxSize?: number
  }

export interface ScriptStep {
  readonly text: string
  /** The line of its first word, from 1. */
  readonly line: number
  readonly binds: { readonly [name: string]: ScriptBind }
}

export class ScriptError extends Error {
  override readonly name = "ScriptError"
}

const isBinds = (value: unknown): value is ScriptStep["binds"] =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const readBinds = (json: string, line: number): ScriptStep["binds"] => {
  let binds: unknown
  try {
    binds = JSON.parse(json)
  } catch (cause) {
    throw new ScriptError(`line ${line}: the binds after --@ are no JSON: ${String(cause)}`)
  }
  if (!isBinds(binds)) throw new ScriptError(`line ${line}: the binds after --@ must be an object such as {"n": 1}`)
  return binds
}

/**
 * The statements of a script in SQL*Plus form. A comment line `--@ {"n": 1}` between two statements gives the later one its
 * binds, by name.
 */
export const readScript = (script: string): ReadonlyArray<ScriptStep> => {
  const lineOf = (at: number): number => script.slice(0, at).split("\n").length
  let before = 0
  return locateStatements(script).map(({ at, text }) => {
    const line = lineOf(at)
    const directives = [...script.slice(before, at).matchAll(/^[ \t]*--@(.*)$/gm)]
    const directive = directives.at(-1)
    const binds = directive === undefined ? {} : readBinds(directive[1]!, lineOf(before + directive.index))
    before = at + text.length
    return { text, line, binds }
  })
}
