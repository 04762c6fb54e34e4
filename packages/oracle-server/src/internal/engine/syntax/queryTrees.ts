/** Queries that are made of parts, not read from a text: what a part does not say is not in them. */
import type { Block, Query } from "./ast.ts"

/** SELECT of these items from these sources. */
export const blockOf = (parts: Partial<Block> & Pick<Block, "items" | "from" | "at">): Block => ({
  kind: "block",
  distinct: false,
  where: undefined,
  startWith: undefined,
  connectBy: undefined,
  nocycle: false,
  groupBy: [],
  groupingSets: undefined,
  having: undefined,
  windows: [],
  into: undefined,
  bulkInto: false,
  ...parts
})

/** A query of nothing but this body. */
export const queryOf = (body: Query["body"], at: number): Query => ({
  ctes: [],
  body,
  orderBy: [],
  siblings: false,
  offset: undefined,
  fetch: undefined,
  forUpdate: undefined,
  at
})
