/** Message types: the first byte of every message. */
export const MessageType = {
  protocol: 1,
  dataTypes: 2,
  function: 3,
  error: 4,
  rowHeader: 6,
  rowData: 7,
  parameter: 8,
  status: 9,
  ioVector: 11,
  lobData: 14,
  warning: 15,
  describe: 16,
  piggyback: 17,
  serverPiggyback: 23,
  oneWay: 26,
  implicitResults: 27,
  endOfResponse: 29,
  token: 33,
  fastAuth: 34
} as const

/** Function codes of message types 3, 17 and 26. */
export const FunctionCode = {
  reexecute: 4,
  fetch: 5,
  logoff: 9,
  commit: 14,
  rollback: 15,
  version: 59,
  reexecuteAndFetch: 78,
  execute: 94,
  lobOperation: 96,
  transactionSwitch: 103,
  transactionChangeState: 104,
  closeCursors: 105,
  authPhaseTwo: 115,
  authPhaseOne: 118,
  describeObject: 119,
  cancelCursors: 120,
  enqueue: 121,
  dequeue: 122,
  subscribe: 125,
  directPathPrepare: 128,
  directPathLoad: 129,
  directPathOperation: 130,
  endToEnd: 135,
  arrayQueue: 145,
  ping: 147,
  currentSchema: 152,
  applicationContext: 154,
  sessionRelease: 163,
  pipelineBegin: 199,
  pipelineEnd: 200,
  alterSession: 204,
  securityContext: 205
} as const

/** The field version from which messages carry a token, and other steps at which layouts grew (PROTOCOL section 4). */
export const FieldVersion = {
  v12_1: 7,
  v12_2: 8,
  v12_2_ext: 9,
  v18: 11,
  v19_ext: 13,
  v20: 14,
  v21: 16,
  v23_1: 17,
  v23_1_token: 18,
  v23_1_annotations: 20,
  v23_4: 24
} as const
