/** Methods of object types, ready to run, and which of them takes given arguments. */
import type { Step } from "../storage/waiting.ts"
import type { Method } from "../syntax/astTypes.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"

export interface MethodResult {
  readonly value: Stored
  /** SELF as the method has left it. */
  readonly self: Stored
}

export interface ObjectMethod {
  readonly method: Method
  readonly parameters: ReadonlyArray<{ readonly name: string; readonly type: SqlType; readonly optional: boolean }>
  readonly returns: SqlType | undefined
  readonly run: (self: Stored, args: ReadonlyArray<Stored | undefined>) => Step<MethodResult>
}

/** The method that takes these arguments, by position or by name. */
export const methodFor = (
  methods: ReadonlyArray<ObjectMethod>,
  count: number,
  names: ReadonlyArray<string | undefined>
): ObjectMethod | undefined =>
  methods.find(({ parameters }) =>
    count <= parameters.length &&
    parameters.every((parameter, i) =>
      parameter.optional || names.includes(parameter.name) || (i < count && names[i] === undefined)
    )
  )
