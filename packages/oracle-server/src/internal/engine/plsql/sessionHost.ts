/** What PL/SQL keeps for as long as the session: the output buffer and the packages' state. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { Core } from "../statements/core.ts"
import type { Executor } from "../statements/executor.ts"
import type { ObjectType } from "../values/dataTypes.ts"
import { oraError, unimplemented } from "../values/oraError.ts"
import type { PlsqlHost } from "./machine.ts"
import type { ObjectMethod } from "./methods.ts"
import type { RunDynamic } from "./native.ts"
import { StoredUnits } from "./storedUnits.ts"

export class SessionHost implements PlsqlHost {
  readonly core: Core
  readonly executor: Executor
  /** Registers a cursor that leaves the block with the session. */
  readonly keepCursor: (cursor: QueryCursor) => void
  /** The methods of an object type by their name: set by who can run them. */
  methods: (type: ObjectType, name: string) => ReadonlyArray<ObjectMethod> = () => []
  /** The stored units whose code runs, the outermost first. */
  readonly stack: Array<string> = []
  outputEnabled = false
  #line = ""
  #lines: Array<string> = []
  implicitResults: Array<QueryCursor> = []
  readonly units: StoredUnits
  /** Set by the room that knows whole blocks. */
  runDynamic: RunDynamic = () => {
    throw unimplemented("dynamic blocks")
  }

  constructor(core: Core, executor: Executor, keepCursor: (cursor: QueryCursor) => void) {
    this.core = core
    this.executor = executor
    this.keepCursor = keepCursor
    this.units = new StoredUnits(this)
  }

  /** The stored units that led here, the nearest first. */
  callers(): ReadonlyArray<string> {
    return this.stack.toReversed()
  }

  put(text: string): void {
    if (!this.outputEnabled) return
    if (Buffer.byteLength(this.#line) + Buffer.byteLength(text) > 32767) {
      throw oraError(20000, "ORU-10028: line length overflow, limit of 32767 bytes per line")
    }
    this.#line += text
  }

  newLine(): void {
    if (!this.outputEnabled) return
    this.#lines.push(this.#line)
    this.#line = ""
  }

  /** undefined when no line is left. */
  takeLine(): string | undefined {
    return this.#lines.shift()
  }

  disable(): void {
    this.outputEnabled = false
    this.#lines = []
    this.#line = ""
  }

  reset(): void {
    this.disable()
    this.implicitResults = []
    this.units.forget()
  }
}
