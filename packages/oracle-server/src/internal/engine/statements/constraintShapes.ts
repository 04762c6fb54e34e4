/** Small questions about lists of constraints, shared by the statements that make and alter tables. */
import type { ConstraintSpec } from "../syntax/astDefinitions.ts"

/** `CHECK (column IS JSON)`: kept as a property of the column. */
export const hasIsJson = (spec: ConstraintSpec): boolean =>
  spec.type === "check" && spec.check?.kind === "is" && spec.check.what === "json" && !spec.check.not

/** Removes the matching items from a list. */
export const without = <A>(list: Array<A>, test: (item: A) => boolean): void => {
  for (let i = list.length - 1; i >= 0; i--) if (test(list[i]!)) list.splice(i, 1)
}
