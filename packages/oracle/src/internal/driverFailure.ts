/** What a failure says about the connection that it came from, before anybody makes an `OracleError` of it. */

const property = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined

const numberOf = (failure: unknown): unknown => property(failure, "errorNum")

const codeOf = (failure: unknown): unknown => property(failure, "code")

/** The driver, the server and the system all give their errors a code. What has none is a defect. */
export const isOfDriver = (failure: unknown): boolean =>
  typeof codeOf(failure) === "string" || typeof numberOf(failure) === "number"

/** ORA-01013: the server has cancelled the call. */
export const isCancelled = (failure: unknown): boolean => numberOf(failure) === 1013

/** A break has ended the call: ours, somebody else's, or that of the driver's own call timeout. */
export const isBroken = (failure: unknown): boolean => isCancelled(failure) || codeOf(failure) === "NJS-123"

/** ORA-01000: as many cursors are open as the server allows. */
export const isOutOfCursors = (failure: unknown): boolean => numberOf(failure) === 1000

const unsent = new WeakSet<object>()
const defects = new WeakSet<object>()

const lostMessage = "NJS-500: connection to Oracle Database was closed or broken"

/** The session was lost before; as the driver puts it. */
export const lost = (): Error => {
  const failure = Object.assign(new Error(lostMessage), { code: "NJS-500" })
  unsent.add(failure)
  return failure
}

/** The connection was closed in the middle of a call, which may have happened. */
export const lostMidway = (cause: unknown): Error =>
  Object.assign(new Error(lostMessage, { cause }), { code: "NJS-500" })

/** Whether a call failed before anything of it was sent. */
export const isUnsent = (failure: unknown): boolean =>
  typeof failure === "object" && failure !== null && unsent.has(failure)

export const noteDefect = (failure: unknown): void => {
  if (typeof failure === "object" && failure !== null) defects.add(failure)
}

/** Whether a failure is a defect of the driver, after which the state of its connection is unknown. */
export const isDefect = (failure: unknown): boolean =>
  typeof failure === "object" && failure !== null && defects.has(failure)
