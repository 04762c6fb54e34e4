/** All rows, in the order in which they run. */
import { cancellation } from "./cancellation.ts"
import { contention } from "./contention.ts"
import { endToEnd } from "./endToEnd.ts"
import { eviction } from "./eviction.ts"
import { growth } from "./growth.ts"
import { lease, tags } from "./lease.ts"
import { manyRows } from "./manyRows.ts"
import { memory } from "./memory.ts"
import { network } from "./network.ts"
import { recovery } from "./recovery.ts"
import type { Row } from "./row.ts"
import { serverEngine } from "./serverEngine.ts"
import { start } from "./start.ts"

export const rows: ReadonlyArray<Row> = [
  lease,
  tags,
  contention,
  cancellation,
  eviction,
  memory,
  growth,
  endToEnd,
  network,
  manyRows,
  start,
  recovery,
  serverEngine
]
