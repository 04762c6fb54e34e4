/** Applies piggybacks to the session. */
import type { OraErrorLike } from "../engine/engine.ts"
import { unimplemented } from "../engine/oraError.ts"
import type { Dialogue } from "./dialogue.ts"
import { endUserOf } from "./endUserContext.ts"
import { asOraError } from "./failure.ts"
import { decodeOson } from "./osonDecoder.ts"
import type { Piggyback } from "./piggyback.ts"
import { noteSwitch } from "./transactionCall.ts"

/** Applies a piggyback; its error becomes that of the call it rides with. */
export const applyPiggyback = (dialogue: Dialogue, piggyback: Piggyback): OraErrorLike | undefined => {
  dialogue.host.noted(piggyback._tag, dialogue.session)
  if (piggyback._tag === "pipelineBegin") {
    dialogue.pipeline = { aborts: piggyback.abortOnError, failed: false, refused: !dialogue.host.pipelines }
    return undefined
  }
  try {
    const session = dialogue.requireSession()
    const { cursors, engine, lobs } = session
    switch (piggyback._tag) {
      case "closeCursors":
        for (const id of piggyback.ids) cursors.close(id)
        break
      case "cancelCursors":
        for (const id of piggyback.ids) cursors.cancel(id)
        break
      case "currentSchema":
        session.setCurrentSchema(piggyback.schema)
        break
      case "endToEnd":
        engine.setEndToEnd(piggyback.attributes)
        break
      case "freeTempLobs":
        for (const locator of piggyback.locators) lobs.free(locator)
        break
      case "securityContext":
        session.endUser = endUserOf(decodeOson(piggyback.payload), dialogue.host.tokens)
        session.endUserCame = true
        break
      case "transactionStart":
      case "transactionDetach":
        noteSwitch(dialogue, piggyback.request)
        break
      case "applicationContext":
        if (piggyback.clear) throw unimplemented("clearing all of an application context")
        for (const [key, value] of piggyback.pairs) engine.setContext(piggyback.namespace, key, value)
    }
    return undefined
  } catch (cause) {
    return asOraError(cause)
  }
}
