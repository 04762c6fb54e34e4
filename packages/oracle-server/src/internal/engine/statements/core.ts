/** What all sessions of one database share. */
import { Accounts, type AccountsSnapshot } from "../catalog/accounts.ts"
import { Catalog, type CatalogSnapshot, type Sequence, type Table } from "../catalog/catalog.ts"
import { Policies, type Policy } from "../catalog/policies.ts"
import { Privileges, type PrivilegesSnapshot } from "../catalog/privileges.ts"
import type { Package } from "../catalog/units.ts"
import type { EngineHost, EngineOptions, Procedure } from "../engine.ts"
import { QueueKeeper } from "../queues/queueKeeper.ts"
import { Alerts } from "../storage/alerts.ts"
import { Branches } from "../storage/branches.ts"
import { Locks } from "../storage/locks.ts"
import { LogicalTransactions } from "../storage/logicalTransactions.ts"
import { Store, type StoreSnapshot } from "../storage/store.ts"
import { UserLocks } from "../storage/userLocks.ts"
import type { Stored } from "../values/composite.ts"
import type { CompositeType, SqlType } from "../values/dataTypes.ts"
import { fromDecimal, type NumberValue } from "../values/oracleNumber.ts"
import { oraError } from "../values/oraError.ts"
import { versionParts } from "../values/product.ts"
import type { Environment, SessionState } from "../values/sessionState.ts"
import { Jobs } from "./jobs.ts"
import { SqlArea } from "./sqlArea.ts"
import { compileTypeSpec } from "./typeSpecs.ts"

/** A parameter, or what a function returns: that has no name. */
export interface DescribedParameter {
  readonly name: string | undefined
  readonly direction: "in" | "out" | "inout"
  readonly type: SqlType
  /** As the text names it. */
  readonly written: string
  readonly isDefaulted: boolean
}

export interface DescribedSubprogram {
  readonly owner: string
  /** Of a subprogram in one. */
  readonly package: string | undefined
  readonly name: string
  readonly objectId: number
  /** From 1 on, in the order of the text. */
  readonly id: number
  /** From 1 on, where several have the name. */
  readonly overload: number | undefined
  readonly parameters: ReadonlyArray<DescribedParameter>
}

const maxTimer = 2_147_483_647

const defaultSleep = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error)
      return
    }
    // A timer that is longer than this would end at once.
    const due = Date.now() + milliseconds
    let timer: NodeJS.Timeout
    const wait = (left: number) => {
      timer = setTimeout(() => left > maxTimer ? wait(due - Date.now()) : resolve(), Math.min(left, maxTimer))
    }
    wait(milliseconds)
    signal.addEventListener("abort", () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }, { once: true })
  })

export interface SessionView {
  readonly state: SessionState
  readonly inTransaction: boolean
  /** Who owns the locks of the transaction that it works in. */
  readonly lockOwner: number
  /** Of the transaction that it has. */
  readonly transactionFacts: () => { readonly since: number; readonly records: number; readonly isolation: string }
}

/** The definitions and the committed rows of a database at one moment. It can be restored any number of times. */
export interface CoreSnapshot {
  readonly catalog: CatalogSnapshot
  readonly accounts: AccountsSnapshot
  readonly privileges: PrivilegesSnapshot
  readonly contexts: ReadonlyMap<string, ContextDef>
  /** The values of the contexts that all sessions share. */
  readonly globalContexts: SessionState["globalContexts"]
  readonly policies: ReadonlyArray<Policy>
  readonly store: StoreSnapshot
}

/** CREATE CONTEXT: which package may set a namespace, and whether all sessions share its values. */
interface ContextDef {
  readonly using: string
  readonly global: boolean
}

/** Bytes that statements and rows may take together. */
const defaultMemory = 512 * 1024 * 1024

/** An engine without a listener: no client can log on. */
const withoutLogOn: EngineHost["accounts"] = {
  create: () => undefined,
  alter: () => undefined,
  drop: () => undefined,
  proxy: () => true,
  proxies: () => new Map(),
  status: () => "OPEN"
}

export class Core {
  readonly catalog = new Catalog()
  readonly locks: Locks
  readonly userLocks = new UserLocks()
  readonly alerts = new Alerts()
  readonly policies = new Policies()
  readonly privileges = new Privileges()
  readonly accounts = new Accounts()
  readonly sqlArea = new SqlArea()
  readonly jobs: Jobs
  readonly queues: QueueKeeper
  readonly contexts = new Map<string, ContextDef>()
  readonly globalContexts: SessionState["globalContexts"] = new Map()
  readonly store: Store
  /** The transactions that belong to no session. */
  readonly branches: Branches
  /** Where the service has Transaction Guard. */
  readonly guard: LogicalTransactions | undefined
  readonly host: EngineHost
  readonly environment: Environment
  readonly procedures = new Map<string, Procedure>()
  readonly sessions = new Map<number, SessionView>()
  readonly sequencesById = new Map<number, Sequence>()
  readonly tablesById = new Map<number, Table>()
  /** The specification of a package of the system; set by the room that has them. */
  systemPackage: (name: string) => Package | undefined = () => undefined

  constructor(options: EngineOptions) {
    const startedAt = (options.host?.now ?? Date.now)()
    const alone = [{ number: 1, name: options.instanceName ?? "FREE", startedAt }]
    this.host = {
      now: options.host?.now ?? Date.now,
      sleep: options.host?.sleep ?? defaultSleep,
      clock: options.host?.clock ?? (() => performance.now()),
      killSession: options.host?.killSession ?? (() => false),
      instances: options.host?.instances ?? (() => alone),
      accounts: options.host?.accounts ?? withoutLogOn,
      usage: options.host?.usage ?? (() => ({ openCursors: 0, temporaryLobs: 0, calls: 0, statements: [] }))
    }
    const version = options.version ?? "23.7.0.25.01"
    this.environment = {
      databaseName: options.databaseName ?? "FREEPDB1",
      instanceName: options.instanceName ?? "FREE",
      hostName: options.hostName ?? "localhost",
      openCursors: options.openCursors ?? 300,
      version,
      release: versionParts(version)[0] ?? 23
    }
    this.catalog.compileType = (stored) => compileTypeSpec(this.catalog, stored)
    this.jobs = new Jobs(this.host)
    this.locks = new Locks(this.host.sleep)
    this.branches = new Branches(this.locks, this.host.sleep, this.host.now)
    this.store = new Store(options.memoryLimit ?? defaultMemory, this.host.clock)
    const { catalog, host, locks, store } = this
    this.queues = new QueueKeeper({ catalog, host, locks, store, nextInner: () => this.nextInner() })
    this.guard = options.transactionGuard === true ? new LogicalTransactions() : undefined
    for (const procedure of options.procedures ?? []) this.procedures.set(procedure.name.toUpperCase(), procedure)
  }

  #lastInner = 0

  /** Who owns the locks of an autonomous transaction, a script or a job: no session of the wire has a negative number. */
  nextInner(): number {
    return --this.#lastInner
  }

  /** Types that the specifications of packages declare: set by who can read those. */
  packageTypes: () => ReadonlyArray<CompositeType> = () => []
  /** The stored subprograms with the types of their parameters: set likewise. */
  subprograms: () => ReadonlyArray<DescribedSubprogram> = () => []

  /** The procedure by its path, with the schema before it or without. */
  procedure(
    path: ReadonlyArray<string>,
    schema: string
  ): { readonly key: string; readonly procedure: Procedure } | undefined {
    for (const key of [path.join("."), `${schema}.${path.join(".")}`, path.slice(1).join(".")]) {
      const procedure = this.procedures.get(key)
      if (procedure !== undefined && key !== "") return { key, procedure }
    }
    return undefined
  }

  snapshot(): CoreSnapshot {
    return {
      accounts: this.accounts.snapshot(),
      privileges: this.privileges.snapshot(),
      catalog: this.catalog.snapshot(),
      store: this.store.snapshot(),
      contexts: new Map(this.contexts),
      globalContexts: new Map(this.globalContexts),
      policies: this.policies.snapshot()
    }
  }

  /** No session may have uncommitted changes. */
  restore(snapshot: CoreSnapshot): void {
    this.catalog.restore(snapshot.catalog)
    this.privileges.restore(snapshot.privileges)
    this.accounts.restore(snapshot.accounts)
    this.store.restore(snapshot.store)
    this.contexts.clear()
    for (const [name, context] of snapshot.contexts) this.contexts.set(name, context)
    this.globalContexts.clear()
    for (const [name, values] of snapshot.globalContexts) this.globalContexts.set(name, values)
    this.policies.restore(snapshot.policies)
    this.sequencesById.clear()
    this.tablesById.clear()
    for (const object of this.catalog.objects.values()) {
      if (object.kind === "sequence") this.sequencesById.set(object.id, object)
      else if (object.kind === "table") this.tablesById.set(object.id, object)
    }
    this.queues.restart()
  }

  /** CREATE USER: a schema, without any privilege. */
  addUser(name: string, password: string | undefined): void {
    this.catalog.schemas.add(name)
    this.accounts.add(name, Math.floor(this.host.now() / 1000))
    this.host.accounts.create(name, password)
  }

  /** A user that the server's options name: the roles they are given, or everything. */
  addSchema(name: string, roles?: ReadonlyArray<string>): void {
    if (this.catalog.schemas.has(name)) return
    this.catalog.schemas.add(name)
    this.accounts.add(name, Math.floor(this.host.now() / 1000))
    if (roles === undefined) this.privileges.grantEverything(name)
    else for (const role of roles) this.privileges.grantRole(name, role.toUpperCase(), false)
  }

  sequence(id: number): Sequence {
    const known = this.sequencesById.get(id)
    if (known === undefined) throw oraError(2289, "sequence does not exist")
    return known
  }

  nextValue(id: number, session: SessionState): NumberValue {
    const sequence = this.sequence(id)
    let value = sequence.next
    if (value > sequence.max || value < sequence.min) {
      if (!sequence.cycle) {
        throw sequence.increment > 0n
          ? oraError(8004, `sequence ${sequence.name}.NEXTVAL exceeds MAXVALUE and cannot be instantiated`)
          : oraError(8004, `sequence ${sequence.name}.NEXTVAL goes below MINVALUE and cannot be instantiated`)
      }
      value = sequence.increment > 0n ? sequence.min : sequence.max
    }
    sequence.next = value + sequence.increment
    const number = fromDecimal(value, 0)
    session.sequenceValues.set(id, number)
    return number
  }

  currentValue(id: number, session: SessionState): Stored {
    const value = session.sequenceValues.get(id)
    if (value === undefined) {
      throw oraError(8002, `sequence ${this.sequence(id).name}.CURRVAL is not yet defined in this session`)
    }
    return value
  }
}
