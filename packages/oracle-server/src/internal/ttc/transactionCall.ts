/** Runs the calls that take, leave and end transactions of no session, and what of them rides with other calls. */
import type { Dialogue } from "./dialogue.ts"
import {
  type TransactionChange,
  TransactionState,
  type TransactionSwitch,
  writeChanged,
  writeSessionless,
  writeSwitched
} from "./transactionMessage.ts"

/** Does what a switch asks for; gives the number of a branch that it has started. */
const carryOut = (dialogue: Dialogue, request: TransactionSwitch): number | undefined | Promise<number> => {
  const { branches } = dialogue.requireSession().engine
  const { id, kind, start } = request
  if (request.detaches) branches.detach(kind, id)
  if (start === undefined || id === undefined) return undefined
  return branches.start({ kind, id, mode: start.mode, timeout: start.timeout })
}

/** A switch as a call of its own. */
export const runSwitch = (dialogue: Dialogue, request: TransactionSwitch): void | Promise<void> => {
  const { writer } = dialogue
  expectNews(dialogue)
  const started = carryOut(dialogue, request)
  if (started instanceof Promise) return started.then((number) => writeSwitched(writer, number))
  writeSwitched(writer, started)
}

/** A switch that rides with the call that follows. */
export const noteSwitch = (dialogue: Dialogue, request: TransactionSwitch): void => {
  dialogue.requireSession()
  expectNews(dialogue)
  dialogue.switching = request
}

/** Whatever the client takes its transaction to be, it is told. */
const expectNews = ({ session }: Dialogue): void => {
  if (session !== undefined) session.reported.sessionless = undefined
}

/** What a switch does before the call that it rides with. */
export const beforeCall = (dialogue: Dialogue): undefined | Promise<void> => {
  const { switching } = dialogue
  if (switching === undefined) return undefined
  const started = carryOut(dialogue, switching)
  return started instanceof Promise ? started.then(() => undefined) : undefined
}

/** What a switch does after a call that has succeeded. */
export const afterCall = (dialogue: Dialogue): void => {
  const { switching } = dialogue
  dialogue.switching = undefined
  if (switching?.detachesAfter !== true) return
  dialogue.requireSession().engine.branches.detach(switching.kind, undefined)
}

/** Tells the client which sessionless transaction its session is in, where that is news. */
export const reportSessionless = ({ session, terms, writer }: Dialogue): void => {
  if (session === undefined || session.closed || !terms.knowsSessionless) return
  const { sessionless } = session.engine.branches
  const name = sessionless === undefined
    ? ""
    : `${sessionless.byStatement} ${Buffer.from(sessionless.id).toString("hex")}`
  if (session.reported.sessionless === name) return
  session.reported.sessionless = name
  writeSessionless(writer, sessionless)
}

export const runChange = (dialogue: Dialogue, request: TransactionChange): void => {
  const { branches } = dialogue.requireSession().engine
  const { operation } = request
  const state = (): number => {
    switch (operation) {
      case "prepare":
        return branches.prepare(request) ? TransactionState.requiresCommit : TransactionState.readOnly
      case "commit":
        branches.commit(request, false)
        return TransactionState.forgotten
      case "commitOnePhase":
        return branches.commit(request, true) ? TransactionState.committed : TransactionState.readOnly
      case "rollback":
        branches.rollback(request)
        return TransactionState.aborted
      case "forget":
        branches.forget(request)
        return TransactionState.forgotten
    }
  }
  writeChanged(dialogue.writer, state())
}
