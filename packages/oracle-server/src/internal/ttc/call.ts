/** The calls that a client can make, and the names they are logged, counted and hit by faults under. */
import { FunctionCode } from "./message.ts"

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
  | "directPathPrepare"
  | "directPathLoad"
  | "directPathOperation"
  | "transactionStart"
  | "transactionDetach"
  | "transactionPrepare"
  | "transactionCommit"
  | "transactionRollback"
  | "transactionForget"
  | "enqueue"
  | "dequeue"
  | "arrayQueue"
  | "version"
  | "describeObject"
  | "closeCursors"
  | "cancelCursors"
  | "endToEnd"
  | "currentSchema"
  | "freeTempLobs"
  | "applicationContext"
  | "pipelineBegin"
  | "securityContext"
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
  [FunctionCode.version, "version"],
  [FunctionCode.describeObject, "describeObject"],
  [FunctionCode.sessionRelease, "sessionRelease"],
  [FunctionCode.pipelineEnd, "pipelineEnd"],
  [FunctionCode.directPathPrepare, "directPathPrepare"],
  [FunctionCode.directPathLoad, "directPathLoad"],
  [FunctionCode.directPathOperation, "directPathOperation"],
  [FunctionCode.enqueue, "enqueue"],
  [FunctionCode.dequeue, "dequeue"],
  [FunctionCode.arrayQueue, "arrayQueue"]
])

export const functionName = (code: number): FunctionName => names.get(code) ?? "unknown"

/** Calls whose names are told by what they ask for, not by their codes. */
export const namedByBody: ReadonlySet<number> = new Set([
  FunctionCode.transactionSwitch,
  FunctionCode.transactionChangeState
])

const unimplementedNames = new Map<number, string>([
  [FunctionCode.subscribe, "Continuous Query Notification"],
  [FunctionCode.alterSession, "transaction priority"]
])

/** What ORA-03001 calls a function that this server does not have. */
export const featureName = (code: number): string => unimplementedNames.get(code) ?? `two-task function ${code}`

/** Cursors and temporary LOBs that a client learns of by a response: once it is lost, no client knows them. */
export interface HandedOut {
  readonly cursors: Array<number>
  readonly locators: Array<Buffer>
}

/** One request of a client, and everything that is true only while it is being answered. */
export class Call {
  readonly name: FunctionName
  readonly code: number
  readonly sequence: number
  readonly token: number
  readonly oneWay: boolean
  readonly startedAt: number
  /** The statement it runs, where there is one. */
  sql: string | undefined
  /** The cursor that the response names, also when the call fails; 0 for none. */
  cursorId = 0
  /** Where the body of the response begins: what comes before it stays when the call fails. */
  body = 0
  /** The client has broken it off: it is not answered, the client's reset is. */
  cancelled = false
  /** The client of a pipeline has broken it off: it is answered with ORA-01013. */
  broken = false
  /** Wakes a call that a fault holds up. */
  wake: () => void = () => undefined
  /** Implicit pooling: whether the session may be given back after the call, and whether it is. */
  wasInTransaction = false
  mayRelease = false
  releases = false
  readonly handedOut: HandedOut = { cursors: [], locators: [] }

  constructor(
    header: { readonly code: number; readonly sequence: number; readonly token: number; readonly oneWay: boolean },
    startedAt: number,
    name = functionName(header.code)
  ) {
    this.name = name
    this.code = header.code
    this.sequence = header.sequence
    this.token = header.token
    this.oneWay = header.oneWay
    this.startedAt = startedAt
  }
}
