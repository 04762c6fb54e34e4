/** Whether the statement that is compiled may use what it names. */
import type { Guarded } from "../catalog/privileges.ts"
import { oraError } from "../values/oraError.ts"
import type { Compilation } from "./compilation.ts"

/** Refuses who has nothing on the object as if it were not there, and who lacks this privilege as such. */
export const requireAccess = (
  c: Compilation,
  object: Guarded,
  privilege: string,
  missing: () => Error,
  at: number,
  columns?: ReadonlyArray<string>
): void => {
  const { privileges, session: { rights } } = c.context
  if (rights.user === object.owner || privileges.allows(rights, privilege, object, columns)) return
  throw privileges.sees(rights, object) ? oraError(1031, "insufficient privileges", at) : missing()
}

/** Compiles within a view: its names are its owner's, and so are the privileges. */
export const asOwner = <A>(c: Compilation, owner: string, work: () => A): A => {
  const { schema } = c
  const { session } = c.context
  const outer = session.enter(owner)
  c.schema = owner
  try {
    return work()
  } finally {
    c.schema = schema
    session.leave(outer)
  }
}
