import { FunctionCode } from "./Message.ts"

/** The names under which calls are logged, counted and hit by faults. */
export type FunctionName =
  | "connect"
  | "protocol"
  | "dataTypes"
  | "authPhaseOne"
  | "authPhaseTwo"
  | "execute"
  | "reexecute"
  | "reexecuteAndFetch"
  | "fetch"
  | "commit"
  | "rollback"
  | "ping"
  | "logoff"
  | "lobOperation"
  | "sessionRelease"
  | "pipelineEnd"
  | "closeCursors"
  | "cancelCursors"
  | "endToEnd"
  | "currentSchema"
  | "freeTempLobs"
  | "applicationContext"
  | "pipelineBegin"
  | "break"
  | "reset"
  | "unknown"

const names = new Map<number, FunctionName>([
  [FunctionCode.reexecute, "reexecute"],
  [FunctionCode.fetch, "fetch"],
  [FunctionCode.logoff, "logoff"],
  [FunctionCode.commit, "commit"],
  [FunctionCode.rollback, "rollback"],
  [FunctionCode.reexecuteAndFetch, "reexecuteAndFetch"],
  [FunctionCode.execute, "execute"],
  [FunctionCode.lobOperation, "lobOperation"],
  [FunctionCode.authPhaseOne, "authPhaseOne"],
  [FunctionCode.authPhaseTwo, "authPhaseTwo"],
  [FunctionCode.ping, "ping"],
  [FunctionCode.sessionRelease, "sessionRelease"],
  [FunctionCode.pipelineEnd, "pipelineEnd"]
])

export const functionName = (code: number): FunctionName => names.get(code) ?? "unknown"

const unimplementedNames = new Map<number, string>([
  [FunctionCode.transactionSwitch, "distributed and sessionless transactions"],
  [FunctionCode.transactionChangeState, "distributed transactions"],
  [FunctionCode.enqueue, "Advanced Queuing (enqueue)"],
  [FunctionCode.dequeue, "Advanced Queuing (dequeue)"],
  [FunctionCode.arrayQueue, "Advanced Queuing (arrays)"],
  [FunctionCode.subscribe, "Continuous Query Notification"],
  [FunctionCode.directPathPrepare, "direct path load"],
  [FunctionCode.directPathLoad, "direct path load"],
  [FunctionCode.directPathOperation, "direct path load"],
  [FunctionCode.alterSession, "transaction priority"],
  [FunctionCode.securityContext, "end user security context"]
])

/** What ORA-03001 calls a function that this server does not have. */
export const featureName = (code: number): string => unimplementedNames.get(code) ?? `two-task function ${code}`

/** One request of a client. */
export interface Call {
  readonly name: FunctionName
  readonly code: number
  readonly sequence: number
  readonly token: number
  readonly oneWay: boolean
  /** The statement it runs, where there is one. */
  sql: string | undefined
  cursorId: number
  readonly startedAt: number
}
