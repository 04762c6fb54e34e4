/**
 * Large objects as handles: read and written piece by piece, without ever being in memory as a whole.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { CallError, DriverCaller } from "./internal/driverCaller.ts"
import { driver, type Lob } from "./internal/oracledb.ts"

const encoder = new TextEncoder()

/** How a LOB is read: each read is a round trip, and each after the first asks for four times as much as the one before. */
interface Reads {
  /** How much is read first and at the most, in bytes or characters; whole pieces of the LOB where the driver knows their size. */
  readonly first: number
  readonly most: number
  /** The largest piece that a stream gives. */
  readonly piece: number
}

/** A caller may need no more than the beginning of a stream, and most LOBs that are streamed are no longer than a few megabytes. */
const inPieces: Reads = { first: 1_048_576, most: 2_097_152, piece: 65_536 }

/** The whole content is held anyway. */
const whole: Reads = { first: 8_388_608, most: 8_388_608, piece: Infinity }

/** Bytes of their own, without a copy where nothing else is in their memory. */
const bytesOf = (piece: string | Buffer): Uint8Array => {
  if (typeof piece === "string") return encoder.encode(piece)
  return piece.buffer.byteLength === piece.length ? new Uint8Array(piece.buffer) : new Uint8Array(piece)
}

/** Bytes with memory of their own, which is not filled with zeros first. */
const copyOf = (bytes: Uint8Array): Uint8Array => {
  const copy = new Uint8Array(Buffer.allocUnsafeSlow(bytes.length).buffer)
  copy.set(bytes)
  return copy
}

/** Pieces of their own: to keep one does not keep the others. */
const slices = (bytes: Uint8Array, size: number): ReadonlyArray<Uint8Array> =>
  bytes.length <= size
    ? [bytes]
    : Array.from(
      { length: Math.ceil(bytes.length / size) },
      (_, index) => copyOf(bytes.subarray(index * size, (index + 1) * size))
    )

/** The last half of a surrogate pair belongs to the next piece. */
const endsInside = (text: string): boolean => {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
}

/** None ends inside a character. */
const textSlices = (text: string, size: number): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let from = 0; from < text.length;) {
    const slice = text.slice(from, from + size)
    const fit = from + size < text.length && endsInside(slice) ? slice.slice(0, -1) : slice
    found.push(fit)
    from += fit.length
  }
  return found
}

/**
 * A CLOB, NCLOB, BLOB or BFILE of the database. It can be used until the lease ends, on the connection that gave it: bound elsewhere,
 * or after it was closed, it is refused before anything is sent.
 *
 * **When to use**
 *
 * Use for LOBs that are too large for memory, or of which a part is read or written.
 *
 * **Details**
 *
 * Queries give it with `lobs: "handle"`, OUT binds always; `createLob` of a connection makes a temporary one, to be bound. It
 * can be read any number of times.
 *
 * **Example** (The size of a LOB)
 *
 * ```ts
 * import { type OracleConnection, OracleLob } from "@sessionpool/oracle"
 * import { Effect, Stream } from "effect"
 *
 * const size = (connection: OracleConnection.OracleConnection) =>
 *   Effect.gen(function*() {
 *     const [row] = yield* connection.query("select body from documents where id = :1", [7], { lobs: "handle" })
 *     return row?.["BODY"] instanceof OracleLob.OracleLob
 *       ? yield* Stream.runFold(row["BODY"].stream, () => 0, (size, bytes) => size + bytes.length)
 *       : 0
 *   })
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export class OracleLob {
  readonly #lob: Lob
  readonly #caller: DriverCaller
  /** Its length when it came, in bytes, or in UTF-16 units for text; `undefined` for a BFILE, which does not say. */
  readonly length: number | undefined

  /** @internal */
  constructor(lob: Lob, caller: DriverCaller) {
    // The driver's LOB is a stream of Node too: what it fails with, it also says as an event, which must have a listener.
    lob.on("error", () => {})
    this.#lob = lob
    this.#caller = caller
    this.length = lob.type === driver.DB_TYPE_BFILE ? undefined : lob.length
  }

  /** @internal */
  get caller(): DriverCaller {
    return this.#caller
  }

  /** @internal */
  get forDriver(): Lob {
    return this.#lob
  }

  /** Whether it holds characters rather than bytes. */
  get isText(): boolean {
    return this.#lob.type === driver.DB_TYPE_CLOB || this.#lob.type === driver.DB_TYPE_NCLOB
  }

  /** Reads from `position` (0 is the first byte or character); `undefined` at the end. */
  #read(position: number, amount: number): Effect.Effect<string | Buffer | undefined, CallError> {
    return Effect.map(
      this.#caller.call({ operation: "READ LOB" }, () => this.#lob.getData(position + 1, amount)),
      (data) => data === null || data.length === 0 ? undefined : data
    )
  }

  #amount(atOnce: number): number {
    const piece = this.#lob.pieceSize ?? 0
    return piece > 0 ? Math.max(piece, Math.floor(atOnce / piece) * piece) : atOnce
  }

  #pieces<A>(
    reads: Reads,
    convert: (piece: string | Buffer, isLast: boolean) => ReadonlyArray<A>
  ): Stream.Stream<A, CallError> {
    return Stream.fromPull(Effect.sync(() => {
      let position = 0
      let isDone = false
      let atOnce = reads.first
      const length = this.length ?? Infinity
      const next = (): Pull.Pull<Arr.NonEmptyReadonlyArray<A>, CallError> => {
        if (isDone || position >= length) return Cause.done()
        const amount = this.#amount(atOnce)
        // A small rest is not worth a round trip of its own.
        const rest = length - position
        return Effect.flatMap(this.#read(position, rest <= 1.25 * amount ? rest : amount), (piece) => {
          if (piece === undefined) {
            isDone = true
            return Cause.done()
          }
          position += piece.length
          atOnce = Math.min(4 * atOnce, reads.most)
          const converted = convert(piece, position >= length)
          return Arr.isReadonlyArrayNonEmpty(converted) ? Effect.succeed(converted) : next()
        })
      }
      return Effect.suspend(next)
    }))
  }

  /**
   * Its content as bytes, in pieces of 64 KB at the most; text comes in UTF-8. It is read when it is asked for: a megabyte in the first
   * round trip, two megabytes in each later one; a quarter more where that is all.
   */
  get stream(): Stream.Stream<Uint8Array, CallError> {
    return this.#bytes(inPieces)
  }

  #bytes(reads: Reads): Stream.Stream<Uint8Array, CallError> {
    return this.isText
      ? Stream.map(this.#texts(reads), (text) => encoder.encode(text))
      : this.#pieces(reads, (piece) => slices(bytesOf(piece), reads.piece))
  }

  /** Its content as text, in pieces of 65,536 UTF-16 units at the most; bytes are read as UTF-8. It is read as by `stream`. */
  get textStream(): Stream.Stream<string, CallError> {
    return this.#texts(inPieces)
  }

  #texts(reads: Reads): Stream.Stream<string, CallError> {
    if (!this.isText) return Stream.decodeText(this.#bytes(reads))
    return Stream.suspend(() => {
      let kept = ""
      return this.#pieces(reads, (piece, isLast) => {
        const text = kept + (typeof piece === "string" ? piece : piece.toString("utf8"))
        const isCut = !isLast && endsInside(text)
        kept = isCut ? text.slice(-1) : ""
        return textSlices(isCut ? text.slice(0, -1) : text, reads.piece)
      })
    })
  }

  /** The whole content as text, eight million characters in a round trip. */
  get text(): Effect.Effect<string, CallError> {
    return Stream.mkString(this.#texts(whole))
  }

  /** The whole content as bytes, eight megabytes in a round trip. */
  get bytes(): Effect.Effect<Uint8Array, CallError> {
    return Effect.map(
      Stream.runCollect(this.#bytes(whole)),
      (pieces) => pieces.length === 1 ? pieces[0]! : bytesOf(Buffer.concat(pieces))
    )
  }

  /** Frees it before the lease ends. Nothing can be read from it afterwards. */
  get close(): Effect.Effect<void, CallError> {
    return this.#caller.call({ operation: "CLOSE LOB", isLocal: true }, () => this.#caller.disown(this.#lob))
  }
}
