/**
 * Large objects as handles: read and written piece by piece, without ever being in memory as a whole.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { Caller, CallError } from "./internal/caller.ts"
import { driver, type Lob } from "./internal/oracledb.ts"

const encoder = new TextEncoder()

/** How much a stream reads at a time, in bytes or characters; whole pieces of the LOB where the driver knows their size. */
const readAtOnce = 65_536

/** The same for reading the whole content, which is held anyway: each read is a round trip. */
const readWholeAtOnce = 1_048_576

/** The last half of a surrogate pair belongs to the next piece. */
const endsInside = (text: string): boolean => {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
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
  readonly #caller: Caller
  /** Its length when it came, in bytes, or in UTF-16 units for text; `undefined` for a BFILE, which does not say. */
  readonly length: number | undefined

  /** @internal */
  constructor(lob: Lob, caller: Caller) {
    // The driver's LOB is a stream of Node too: what it fails with, it also says as an event, which must have a listener.
    lob.on("error", () => {})
    this.#lob = lob
    this.#caller = caller
    this.length = lob.type === driver.DB_TYPE_BFILE ? undefined : lob.length
  }

  /** @internal */
  get caller(): Caller {
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
    atOnce: number,
    convert: (piece: string | Buffer, isLast: boolean) => A | undefined
  ): Stream.Stream<A, CallError> {
    return Stream.fromPull(Effect.sync(() => {
      let position = 0
      let isDone = false
      const amount = this.#amount(atOnce)
      const length = this.length ?? Infinity
      const next = (): Pull.Pull<Arr.NonEmptyReadonlyArray<A>, CallError> => {
        if (isDone || position >= length) return Cause.done()
        return Effect.flatMap(this.#read(position, amount), (piece) => {
          if (piece === undefined) {
            isDone = true
            return Cause.done()
          }
          position += piece.length
          const converted = convert(piece, position >= length)
          return converted === undefined ? next() : Effect.succeed(Arr.of(converted))
        })
      }
      return Effect.suspend(next)
    }))
  }

  /** Its content as bytes; text comes in UTF-8. Each read of the stream is one round trip, made when it is asked for. */
  get stream(): Stream.Stream<Uint8Array, CallError> {
    return this.#bytes(readAtOnce)
  }

  #bytes(atOnce: number): Stream.Stream<Uint8Array, CallError> {
    return this.isText
      ? Stream.map(this.#texts(atOnce), (text) => encoder.encode(text))
      : this.#pieces(atOnce, (piece) => typeof piece === "string" ? encoder.encode(piece) : new Uint8Array(piece))
  }

  /** Its content as text; bytes are read as UTF-8. */
  get textStream(): Stream.Stream<string, CallError> {
    return this.#texts(readAtOnce)
  }

  #texts(atOnce: number): Stream.Stream<string, CallError> {
    if (!this.isText) return Stream.decodeText(this.#bytes(atOnce))
    return Stream.suspend(() => {
      let kept = ""
      return this.#pieces(atOnce, (piece, isLast) => {
        const text = kept + (typeof piece === "string" ? piece : piece.toString("utf8"))
        const isCut = !isLast && endsInside(text)
        kept = isCut ? text.slice(-1) : ""
        const whole = isCut ? text.slice(0, -1) : text
        return whole === "" ? undefined : whole
      })
    })
  }

  /** The whole content as text. */
  get text(): Effect.Effect<string, CallError> {
    return Stream.mkString(this.#texts(readWholeAtOnce))
  }

  /** The whole content as bytes. */
  get bytes(): Effect.Effect<Uint8Array, CallError> {
    return Effect.map(
      Stream.runCollect(this.#bytes(readWholeAtOnce)),
      (pieces) => new Uint8Array(Buffer.concat(pieces))
    )
  }

  /** Frees it before the lease ends. Nothing can be read from it afterwards. */
  get close(): Effect.Effect<void, CallError> {
    return this.#caller.call({ operation: "CLOSE LOB", isLocal: true }, () => this.#caller.disown(this.#lob))
  }
}
