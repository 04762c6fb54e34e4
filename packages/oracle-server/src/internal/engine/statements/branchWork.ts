/** What one session does with the transactions that belong to none: takes one, leaves it, ends it. */
import { absent, type Branch, type BranchHolder, type BranchId, type BranchKind, nameOf } from "../storage/branches.ts"
import { localName } from "../storage/locks.ts"
import type { LogicalTransaction } from "../storage/logicalTransactions.ts"
import type { Savepoint, Transaction } from "../storage/transaction.ts"
import type { Step } from "../storage/waiting.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Core } from "./core.ts"

interface StartBranch {
  readonly kind: BranchKind
  readonly id: BranchId
  readonly mode: "new" | "join" | "resume" | "promote"
  /** A new one may be idle for so many seconds; for one that is there, how long to wait for the session that has it. */
  readonly timeout: number
  /** By a statement (DBMS_TRANSACTION), not by the client's own call. */
  readonly byStatement?: boolean
}

/** A branch by its name, or by the number that its beginning was answered with. */
interface BranchReference {
  readonly id: BranchId | undefined
  readonly number: number | undefined
}

/** The transactions of a session, which it works with one at a time. */
interface Transactions {
  readonly core: Core
  readonly state: SessionState
  readonly guard: LogicalTransaction | undefined
  /** What the session works in now. */
  transaction: Transaction
  /** Its own one: it has it whenever it has no other. */
  local: Transaction
  /** Another one, under a number that no session has. */
  readonly fresh: () => Transaction
}

const defaultTimeout = 60

/** The first release with sessionless transactions: they came with an update of it. */
const firstSessionless = 23

const noQualifier = new Uint8Array(0)
const sessionlessFormat = 0x4e5c3e

export const sessionlessId = (global: Uint8Array): BranchId => ({
  formatId: sessionlessFormat,
  global,
  qualifier: noQualifier
})

export class BranchWork {
  readonly #of: Transactions
  #current: { readonly branch: Branch; readonly mark: Savepoint; readonly byStatement: boolean } | undefined

  constructor(of: Transactions) {
    this.#of = of
  }

  get current(): Branch | undefined {
    return this.#current?.branch
  }

  /** Whether a statement has attached it. */
  get isByStatement(): boolean {
    return this.#current?.byStatement === true
  }

  /** Where it stood when the session took it. */
  get mark(): Savepoint | undefined {
    return this.#current?.mark
  }

  *start(request: StartBranch): Step<Branch> {
    const { core, local, state, transaction } = this.#of
    const { id, kind, mode } = request
    if (kind === "sessionless" && core.environment.release < firstSessionless) {
      throw oraError(24_791, "invalid transaction start flags")
    }
    // An autonomous transaction runs, which is not the session's to leave.
    if (transaction !== (this.#current?.branch.transaction ?? local)) throw this.#occupied(kind, id)
    if (this.#current !== undefined) this.#makeRoom(request)
    const found = core.branches.find(kind, id)
    if (mode === "join" || mode === "resume") {
      if (local.active) throw this.#occupied(kind, id)
      if (found === undefined) throw absent(kind, id)
      yield* core.branches.attach(found, this.#holder(found), request.timeout)
      this.#take(found, request)
      return found
    }
    if (found !== undefined) {
      throw kind === "sessionless"
        ? oraError(26_217, `sessionless transaction with GTRID ${nameOf(kind, id)} already exists.`)
        : oraError(24_757, "duplicate transaction identifier")
    }
    if (mode === "new" && local.active) throw this.#occupied(kind, id)
    const branch: Branch = core.branches.begin({
      kind,
      id: { ...id, global: id.global.slice(), qualifier: id.qualifier.slice() },
      user: state.info.user,
      // Some clients send none.
      timeout: request.timeout || defaultTimeout,
      transaction: mode === "promote" ? this.#promoted() : this.#fresh()
    }, this.#holder(() => branch))
    this.#take(branch, request)
    return branch
  }

  #fresh(): Transaction {
    const { local } = this.#of
    const made = this.#of.fresh()
    made.defaultIsolation = local.defaultIsolation
    made.isolation = local.defaultIsolation
    return made
  }

  /** The session's own transaction becomes the branch, and the session gets another one for its own. */
  #promoted(): Transaction {
    const { local } = this.#of
    const own = this.#fresh()
    own.guard = this.#of.guard
    this.#of.local = own
    return local
  }

  /** A session in a global transaction that begins another one leaves the first, as one that lies there. */
  #makeRoom({ id, kind, mode }: StartBranch): void {
    const { branch } = this.#current!
    const { branches } = this.#of.core
    const isSame = branches.find(kind, id) === branch
    if (kind === "global" && branch.kind === "global") {
      if (mode === "promote") {
        throw oraError(24_797, "cannot promote the current transaction to a distributed transaction")
      }
      if (isSame && mode === "new") throw oraError(24_757, "duplicate transaction identifier")
      if (isSame) return this.detach("global", undefined)
      if ((mode === "new") === branches.has(kind, id)) {
        throw mode === "new" ? oraError(24_757, "duplicate transaction identifier") : absent(kind, id)
      }
      return this.detach("global", undefined)
    }
    throw this.#occupied(kind, id)
  }

  #occupied(kind: BranchKind, id: BranchId) {
    const { transaction } = this.#of
    const current = this.current
    const existing = current === undefined
      ? `local transaction (${localName(transaction.sid)})`
      : `${current.kind} transaction (${nameOf(current.kind, current.id)})`
    return oraError(
      24_776,
      `Cannot start or resume the ${kind} transaction (${nameOf(kind, id)}) due to existing ${existing}`
    )
  }

  #holder(branch: Branch | (() => Branch)): BranchHolder {
    const { info } = this.#of.state
    return {
      sid: info.sid,
      instance: info.instance ?? "",
      left: () => this.#left(typeof branch === "function" ? branch() : branch)
    }
  }

  #take(branch: Branch, { byStatement = false }: StartBranch): void {
    const { transaction } = branch
    transaction.isCoordinated = branch.kind === "global"
    transaction.session = this.#of.state.info.sid
    transaction.guard = this.#of.guard
    this.#current = { branch, mark: transaction.mark(), byStatement }
    this.#of.transaction = transaction
  }

  #left(branch: Branch): void {
    const { transaction } = branch
    transaction.guard = undefined
    if (this.#current?.branch !== branch) return
    this.#current = undefined
    if (this.#of.transaction === transaction) this.#of.transaction = this.#of.local
  }

  /** The session leaves the transaction, which waits for another one. */
  detach(kind: BranchKind, id: BranchId | undefined, byStatement = false): void {
    const { core, local } = this.#of
    const current = this.#current
    if (kind === "sessionless") {
      if (current === undefined && !local.active) return
      if (current?.branch.kind !== "sessionless") {
        throw oraError(26_202, "Only sessionless transactions are suspendable")
      }
      if (current.byStatement !== byStatement) {
        throw oraError(
          26_211,
          "The sessionless transaction was started or resumed in another way than it is to be suspended in."
        )
      }
    } else {
      if (current === undefined) {
        throw local.active
          ? oraError(24_771, "cannot detach, prepare or forget a local transaction")
          : oraError(25_352, "no current transaction")
      }
      const named = id === undefined ? current.branch : core.branches.find("global", id)
      if (named !== current.branch) throw oraError(24_758, "not attached to the requested transaction")
    }
    const { branch } = current
    if (branch.transaction.hasTemporaryRows) {
      throw unimplemented("leaving a transaction that has changed rows of a temporary table")
    }
    core.branches.detach(branch)
  }

  /** The branch of a global transaction that a call means. One that another session works with is not to be had. */
  #named({ id, number }: BranchReference): Branch {
    const { branches } = this.#of.core
    const found = id !== undefined
      ? branches.find("global", id)
      : number !== undefined
      ? branches.numbered(number)
      : this.current
    if (found?.kind !== "global") {
      if (id !== undefined && branches.takeExpired("global", id)) throw oraError(24_761, "transaction rolled back")
      if (id === undefined && number === undefined && this.#of.local.active) {
        throw oraError(24_771, "cannot detach, prepare or forget a local transaction")
      }
      throw oraError(24_756, "transaction does not exist")
    }
    if (branches.stateOf(found) === "attached" && found !== this.current) {
      throw oraError(25_351, "transaction is currently in use")
    }
    return found
  }

  /** False when there is nothing to commit: the branch is over then. */
  prepare(reference: BranchReference): boolean {
    const { branches } = this.#of.core
    const branch = this.#named(reference)
    const state = branches.stateOf(branch)
    this.#notForced(state)
    if (state === "prepared") throw oraError(24_768, "commit protocol error occurred in the server")
    if (branch.transaction.hasTemporaryRows) {
      throw unimplemented("preparing a transaction that has changed rows of a temporary table")
    }
    // What was put off has to hold before the branch votes for a commit.
    branch.transaction.checkDeferred()
    return branches.prepare(branch)
  }

  /** Whether anything was there to commit. */
  commit(reference: BranchReference, onePhase: boolean): boolean {
    const { branches } = this.#of.core
    const branch = this.#named(reference)
    const state = branches.stateOf(branch)
    this.#notForced(state)
    if (!onePhase && state !== "prepared") throw oraError(24_768, "commit protocol error occurred in the server")
    const changed = branch.transaction.changes.length > 0
    branch.transaction.complete()
    if (onePhase && state === "prepared") {
      throw oraError(
        2053,
        `transaction ${localName(branch.transaction.sid)} committed, some remote DBs may be in-doubt`
      )
    }
    return changed
  }

  rollback(reference: BranchReference): void {
    const { branches } = this.#of.core
    const branch = this.#named(reference)
    this.#notForced(branches.stateOf(branch))
    branch.transaction.rollback()
  }

  forget(reference: BranchReference): void {
    const { branches } = this.#of.core
    const branch = this.#named(reference)
    const state = branches.stateOf(branch)
    if (state === "prepared") throw oraError(24_770, "cannot forget a prepared transaction")
    if (state === "attached" || state === "idle") throw oraError(24_769, "cannot forget an active transaction")
    branches.forget(branch)
  }

  #notForced(state: ReturnType<Core["branches"]["stateOf"]>): void {
    if (state === "committed") throw oraError(24_764, "transaction branch has been heuristically committed")
    if (state === "rolled back") throw oraError(24_765, "transaction branch has been heuristically aborted")
  }

  /** COMMIT FORCE and ROLLBACK FORCE: by the local name of a prepared branch, or by that of the global transaction. */
  force(name: string, commits: boolean): void {
    const { branches } = this.#of.core
    const found = branches.list().find((branch) =>
      branches.stateOf(branch) === "prepared" &&
      (localName(branch.transaction.sid) === name || globalName(branch) === name)
    )
    if (found === undefined) throw oraError(2058, `no prepared transaction found with ID ${name}`)
    branches.force(found, commits)
  }
}

/** How DBA_2PC_PENDING names the global transaction of a branch. */
export const globalName = ({ id }: Branch): string =>
  `${id.formatId}.${Buffer.from(id.global).toString("hex").toUpperCase()}`
