/** Answers the calls before and during a logon. */
import { type AuthMessage, writeAuthPairs } from "./authMessage.ts"
import type { Call } from "./call.ts"
import type { Dialogue } from "./dialogue.ts"
import { FunctionCode } from "./message.ts"
import { agreeOnTerms, type DataTypesRequest, writeDataTypes, writeProtocol } from "./negotiation.ts"
import { writeWarning } from "./outcome.ts"

/** PROTOCOL: what this server can do. */
export const answerProtocol = (dialogue: Dialogue, driver: string): void => {
  const { host, writer } = dialogue
  dialogue.terms = { ...dialogue.terms, ordersByCharacters: driver.startsWith("node-oracledb") }
  writeProtocol(writer, host.banner, host.fieldVersion, host.tokens !== undefined)
}

/** DATA_TYPES: settles the field version. */
export const answerDataTypes = (dialogue: Dialogue, request: DataTypesRequest): void => {
  dialogue.terms = agreeOnTerms(dialogue.terms, request, dialogue.host.fieldVersion)
  writeDataTypes(dialogue.writer, request)
}

/** Either round of a logon, or a change of the password later. */
export const authenticate = async (dialogue: Dialogue, call: Call, message: AuthMessage): Promise<void> => {
  const { authentication, host, writer } = dialogue
  if (call.code === FunctionCode.authPhaseOne) {
    const pairs = await authentication.phaseOne(message, dialogue.terms)
    writeAuthPairs(writer, pairs)
    return
  }
  if (dialogue.logon !== undefined) {
    await authentication.changePassword(dialogue.logon, message)
    writeAuthPairs(writer, [])
    return
  }
  const logon = await authentication.phaseTwo(message)
  dialogue.session = host.open(logon)
  dialogue.logon = logon
  const { engine } = dialogue.session
  for (const { key, namespace, value } of logon.contexts) engine.setContext(namespace, key, value)
  writeAuthPairs(writer, authentication.answer(engine.info, dialogue.terms.fieldVersion))
  if (logon.expiring) writeWarning(writer, 28_002, "ORA-28002: the password will expire within 7 days")
}
