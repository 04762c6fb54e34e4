/** All rows, in the order in which they run. */
import { lease } from "./lease.ts"
import type { Row } from "./row.ts"

export const rows: ReadonlyArray<Row> = [lease]
