/** The views of the transactions that belong to no session. */
import { type Branch, hex } from "../storage/branches.ts"
import { localName } from "../storage/locks.ts"
import { globalName } from "./branchWork.ts"
import type { Core } from "./core.ts"
import type { Cell } from "./dictionaryRows.ts"

const inDoubt = ({ branches }: Core): ReadonlyArray<Branch> =>
  branches.list().filter((branch) => !["attached", "idle"].includes(branches.stateOf(branch)))

const states = {
  attached: "ACTIVE",
  idle: "ACTIVE",
  prepared: "PREPARED",
  committed: "HEURISTIC COMMIT",
  "rolled back": "HEURISTIC ROLLBACK"
} as const

const pendingStates = {
  attached: "collecting",
  idle: "collecting",
  prepared: "prepared",
  committed: "forced commit",
  "rolled back": "forced rollback"
} as const

export const branchViews: Readonly<
  Record<string, { readonly columns: string; readonly rows: (core: Core) => ReadonlyArray<ReadonlyArray<Cell>> }>
> = {
  DBA_PENDING_TRANSACTIONS: {
    columns: "FORMATID# GLOBALID~ BRANCHID~",
    rows: (core) => inDoubt(core).map(({ id }) => [id.formatId, hex(id.global), hex(id.qualifier)])
  },
  DBA_2PC_PENDING: {
    columns:
      "LOCAL_TRAN_ID GLOBAL_TRAN_ID STATE MIXED ADVICE TRAN_COMMENT FAIL_TIME@ FORCE_TIME@ RETRY_TIME@ OS_USER OS_TERMINAL HOST DB_USER COMMIT##",
    rows: (core) =>
      inDoubt(core).map((branch) => [
        localName(branch.transaction.sid),
        globalName(branch),
        pendingStates[core.branches.stateOf(branch)],
        "no",
        null,
        null,
        Math.floor(branch.since / 1000),
        null,
        Math.floor(branch.since / 1000),
        null,
        null,
        core.environment.hostName,
        branch.user,
        null
      ])
  },
  "V$GLOBAL_TRANSACTION": {
    columns: "FORMATID# GLOBALID~ BRANCHID~ BRANCHES# REFCOUNT# PREPARECOUNT# STATE FLAGS# COUPLING CON_ID#",
    rows: (core) =>
      core.branches.list().map((branch) => {
        const state = core.branches.stateOf(branch)
        return [
          branch.id.formatId,
          hex(branch.id.global),
          hex(branch.id.qualifier),
          1,
          state === "attached" ? 1 : 0,
          state === "prepared" ? 1 : 0,
          states[state],
          0,
          branch.kind === "sessionless" ? "FREE" : "TIGHTLY COUPLED",
          0
        ]
      })
  }
}
