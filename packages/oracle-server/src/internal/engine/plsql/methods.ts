/** Methods of object types, ready to run. */
import type { Method } from "../syntax/astTypes.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import type { Candidate, Variable } from "./environment.ts"

/** A method as a subprogram of one object. */
export interface BoundMethod {
  readonly candidate: Candidate
  /** SELF, which the method may change; a static method has none. */
  readonly self: Variable | undefined
}

export interface ObjectMethod {
  readonly method: Method
  readonly parameters: ReadonlyArray<{ readonly name: string; readonly type: SqlType; readonly optional: boolean }>
  readonly returns: SqlType | undefined
  /** `exactly`: not what the object's own type has in its place. */
  readonly bind: (self: Stored, exactly: boolean) => BoundMethod
}
