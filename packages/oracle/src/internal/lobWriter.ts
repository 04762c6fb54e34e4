/** Temporary LOBs: made, filled from a stream, and freed with the lease. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TextDecoder } from "node:util"
import { OracleLob } from "../OracleLob.ts"
import type { CallError, DriverCaller } from "./driverCaller.ts"
import { driver, type Lob } from "./oracledb.ts"
import { wrongArgument } from "./refusal.ts"

const types = { clob: driver.DB_TYPE_CLOB, nclob: driver.DB_TYPE_NCLOB, blob: driver.DB_TYPE_BLOB }

/**
 * The kinds of LOB that can be made: `"clob"` and `"nclob"` hold text, `"blob"` bytes.
 *
 * **When to use**
 *
 * Use the kind of the column or parameter that the LOB is for.
 *
 * **Example** (A kind)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const kind: OracleConnection.LobKind = "clob"
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type LobKind = keyof typeof types

/**
 * What a LOB can be filled from: a value, or a stream of pieces of text or bytes. Text is UTF-8 where it comes as bytes.
 *
 * **When to use**
 *
 * Use a stream for content that should not be held in memory as a whole. Small pieces are written together, about a megabyte in one round trip.
 *
 * **Example** (Text in pieces)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 * import { Stream } from "effect"
 *
 * const source: OracleConnection.LobSource<never, never> = Stream.make("once ", "upon ", "a time")
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export type LobSource<E, R> = string | Uint8Array | Stream.Stream<string | Uint8Array, E, R>

const isPiece = (value: unknown): value is string | Uint8Array =>
  typeof value === "string" || value instanceof Uint8Array

const write = (lob: Lob, piece: string | Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    lob.write(piece, (failure) => failure === undefined || failure === null ? resolve() : reject(failure))
  })

/**
 * How much is gathered before it is written, in bytes or characters: each write is a round trip, however small its piece. What follows
 * the first write is large, so that later ones may be larger.
 */
const firstWrite = 1_048_576
const laterWrites = 2_097_152

/** The largest piece that always has room beside what is gathered; a larger one may have to wait until that is written. */
const smallPiece = 65_536

/** The same bytes as the driver takes them. */
const bufferOf = (piece: string | Uint8Array): Buffer =>
  typeof piece === "string" ? Buffer.from(piece) : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)

/** Texts that wait to be written together. */
class Texts {
  readonly #decoder = new TextDecoder()
  #pieces: Array<string> = []
  #length = 0
  #atOnce = firstWrite

  get isFull(): boolean {
    return this.#length >= this.#atOnce
  }

  add(piece: string | Uint8Array): boolean {
    const text = typeof piece === "string" ? piece : this.#decoder.decode(piece, { stream: true })
    this.#pieces.push(text)
    this.#length += text.length
    return true
  }

  end(): void {}

  /** What has been gathered; `isLast` also gives what a character of bytes has left over. */
  take(isLast: boolean): string {
    const pieces = this.#pieces
    this.#pieces = []
    this.#length = 0
    this.#atOnce = laterWrites
    return isLast ? pieces.join("") + this.#decoder.decode() : pieces.join("")
  }
}

/** The buffer of a LOB that has been written, for the next one: buffers of megabytes bring about a collection of garbage every few LOBs. */
let spare: WeakRef<Buffer> | undefined

const takeBuffer = (): Buffer => {
  const found = spare?.deref()
  spare = undefined
  return found ?? Buffer.allocUnsafe(laterWrites + smallPiece)
}

/** Bytes that wait to be written together, in one buffer: what is taken has to be written before more is added. */
class Bytes {
  #buffer: Buffer | undefined = undefined
  #length = 0
  #atOnce = firstWrite
  /** A piece as large as what is written at once is not copied. */
  #whole: Buffer | undefined = undefined

  get isFull(): boolean {
    return this.#whole !== undefined || this.#length >= this.#atOnce
  }

  /** Whether there was room for the piece. */
  add(piece: string | Uint8Array): boolean {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece
    if (this.#length === 0 && bytes.length >= this.#atOnce) {
      this.#whole = bufferOf(bytes)
      return true
    }
    if (bytes.length > smallPiece && this.#length > 0 && this.#length + bytes.length > this.#atOnce) return false
    this.#buffer ??= takeBuffer()
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return true
  }

  take(): Buffer {
    const taken = this.#whole ?? this.#buffer?.subarray(0, this.#length) ?? Buffer.alloc(0)
    this.#whole = undefined
    this.#length = 0
    this.#atOnce = laterWrites
    return taken
  }

  /** All that was taken has been written. */
  end(): void {
    if (this.#buffer !== undefined) spare = new WeakRef(this.#buffer)
    this.#buffer = undefined
  }
}

/**
 * Writes the pieces of `source` in their order, small ones together. Pieces are asked for again when what was gathered has been written, so
 * that no more than that is held.
 */
export const createLob = <E, R>(
  caller: DriverCaller,
  kind: LobKind,
  source: LobSource<E, R>
): Effect.Effect<OracleLob, E | CallError, R> =>
  Effect.gen(function*() {
    if (typeof kind !== "string" || !Object.hasOwn(types, kind)) {
      return yield* wrongArgument("createLob", "The kind of a LOB", "\"clob\", \"nclob\" or \"blob\"", kind)
    }
    const { [kind]: type } = types
    if (!isPiece(source) && !Stream.isStream(source)) {
      return yield* wrongArgument("createLob", "The content of a LOB", "a text, bytes, or a stream of them", source)
    }
    // The first of a session takes the driver two round trips. Broken between them, it would leave a LOB whose name no one knows.
    const details = { operation: "CREATE LOB", isUnbreakable: true, discard: (lob: Lob) => lob.close() }
    const lob = yield* caller.callThen(details, (connection) => connection.createLob(type), (lob) => {
      // The driver's LOB is a stream of Node too: what it fails with, it says twice.
      lob.on("error", () => {})
      caller.own(lob)
      return Effect.succeed(lob)
    })
    const put = (piece: string | Buffer) =>
      piece.length === 0 ? Effect.void : caller.call({ operation: "WRITE LOB" }, () => write(lob, piece))
    if (isPiece(source)) {
      yield* put(
        kind === "blob" ? bufferOf(source) : typeof source === "string" ? source : new TextDecoder().decode(source)
      )
      return new OracleLob(lob, caller)
    }
    const gathered = kind === "blob" ? new Bytes() : new Texts()
    const add = (given: ReadonlyArray<string | Uint8Array>, from: number): Effect.Effect<void, CallError> => {
      for (let index = from; index < given.length; index++) {
        const piece = given[index]!
        if (!isPiece(piece)) {
          return Effect.fail(wrongArgument("createLob", "A piece of a LOB", "a text or bytes", piece))
        }
        const isIn = gathered.add(piece)
        if (!isIn || gathered.isFull) {
          return Effect.flatMap(put(gathered.take(false)), () => add(given, isIn ? index + 1 : index))
        }
      }
      return Effect.void
    }
    yield* Stream.runForEachArray(source, (given) => Effect.suspend(() => add(given, 0)))
    yield* put(gathered.take(true))
    // Not where a write was broken off: the driver may still read from its buffer.
    gathered.end()
    return new OracleLob(lob, caller)
  })
