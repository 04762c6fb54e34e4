/** The options of one call over the settings of its pool: checked as those of a pool are, before anything is sent. */
import * as SchemaAST from "effect/SchemaAST"
import type { OracleError } from "../OracleError.ts"
import { refusal, wrongArgument } from "./refusal.ts"
import { checkValueOptions } from "./settingFields.ts"
import { over, type ValueOptions, type ValueSettings } from "./valueSettings.ts"

const isSchema = (value: unknown): boolean =>
  (typeof value === "object" || typeof value === "function") && value !== null && "ast" in value
  && SchemaAST.isAST(value.ast)

/** The settings in force, or what is wrong with the options. */
export const givenOptions = (
  operation: string,
  settings: ValueSettings,
  options: ValueOptions & { readonly schema?: unknown } | null | undefined
): ValueSettings | OracleError => {
  if (options === undefined || options === null) return settings
  if (typeof options !== "object") return wrongArgument(operation, "The options", "an object", options)
  const { schema } = options
  if (schema !== undefined && !isSchema(schema)) {
    return wrongArgument(operation, "The option schema", "a Schema", schema)
  }
  const read = checkValueOptions(options)
  const [first] = read.problems
  return first === undefined
    ? over(settings, read.settings)
    : refusal(operation, `The option ${first.field} ${first.problem}: nothing was sent.`)
}
