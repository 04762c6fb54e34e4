/** Temporary LOBs: made, filled from a stream, and freed with the lease. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TextDecoder } from "node:util"
import { OracleLob } from "../OracleLob.ts"
import type { Caller, CallError } from "./caller.ts"
import { driver, type Lob } from "./oracledb.ts"
import { wrongArgument } from "./refusal.ts"

const types = { clob: driver.DB_TYPE_CLOB, nclob: driver.DB_TYPE_NCLOB, blob: driver.DB_TYPE_BLOB }

/**
 * The kinds of LOB that can be made.
 *
 * **Example** (A kind)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const kind: OracleConnection.LobKind = "clob"
 * ```
 */
export type LobKind = keyof typeof types

/**
 * What a LOB can be filled from: a value, or a stream of pieces of text or bytes. Text is UTF-8 where it comes as bytes.
 *
 * **Example** (Text in pieces)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 * import { Stream } from "effect"
 *
 * const source: OracleConnection.LobSource<never, never> = Stream.make("once ", "upon ", "a time")
 * ```
 */
export type LobSource<E, R> = string | Uint8Array | Stream.Stream<string | Uint8Array, E, R>

const isPiece = (value: unknown): value is string | Uint8Array =>
  typeof value === "string" || value instanceof Uint8Array

const pieceOf = (kind: LobKind, piece: string | Uint8Array, decoder: TextDecoder): string | Buffer => {
  if (kind === "blob") return Buffer.from(piece)
  return typeof piece === "string" ? piece : decoder.decode(piece, { stream: true })
}

const write = (lob: Lob, piece: string | Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    lob.write(piece, (failure) => failure === undefined || failure === null ? resolve() : reject(failure))
  })

/** How much is gathered before it is written, in bytes or characters: each write is a round trip, however small its piece. */
const writeAtOnce = 1_048_576

/** Pieces that wait to be written together. */
class Gathering {
  readonly #decoder = new TextDecoder()
  readonly #kind: LobKind
  #pieces: Array<string | Buffer> = []
  #length = 0

  constructor(kind: LobKind) {
    this.#kind = kind
  }

  get isFull(): boolean {
    return this.#length >= writeAtOnce
  }

  add(piece: string | Uint8Array): void {
    const part = pieceOf(this.#kind, piece, this.#decoder)
    this.#pieces.push(part)
    this.#length += part.length
  }

  /** What has been gathered; `isLast` also gives what a character of bytes has left over. */
  take(isLast: boolean): string | Buffer {
    const pieces = this.#pieces
    this.#pieces = []
    this.#length = 0
    if (this.#kind === "blob") return Buffer.concat(pieces.filter((piece) => typeof piece !== "string"))
    return isLast ? pieces.join("") + this.#decoder.decode() : pieces.join("")
  }
}

/**
 * Writes the pieces of `source` in their order, small ones together. Pieces are asked for again when what was gathered has been written, so
 * that no more than that is held.
 */
export const createLob = <E, R>(
  caller: Caller,
  kind: LobKind,
  source: LobSource<E, R>
): Effect.Effect<OracleLob, E | CallError, R> =>
  Effect.gen(function*() {
    if (typeof kind !== "string" || !Object.hasOwn(types, kind)) {
      return yield* wrongArgument("createLob", "The kind of a LOB", "\"clob\", \"nclob\" or \"blob\"", kind)
    }
    const { [kind]: type } = types
    const pieces = isPiece(source) ? Stream.succeed(source) : source
    if (!Stream.isStream(pieces)) {
      return yield* wrongArgument("createLob", "The content of a LOB", "a text, bytes, or a stream of them", source)
    }
    // It takes the driver two round trips. Broken between them, it would leave a LOB whose name no one knows.
    const details = { operation: "CREATE LOB", isUnbreakable: true, discard: (lob: Lob) => lob.close() }
    const lob = yield* caller.callThen(details, (connection) => connection.createLob(type), (lob) => {
      // The driver's LOB is a stream of Node too: what it fails with, it says twice.
      lob.on("error", () => {})
      caller.own(lob)
      return Effect.succeed(lob)
    })
    const gathering = new Gathering(kind)
    const put = (piece: string | Buffer) =>
      piece.length === 0 ? Effect.void : caller.call({ operation: "WRITE LOB" }, () => write(lob, piece))
    yield* Stream.runForEach(pieces, (piece) =>
      Effect.suspend(() => {
        if (!isPiece(piece)) {
          return Effect.fail(wrongArgument("createLob", "A piece of a LOB", "a text or bytes", piece))
        }
        gathering.add(piece)
        return gathering.isFull ? put(gathering.take(false)) : Effect.void
      }))
    yield* put(gathering.take(true))
    return new OracleLob(lob, caller)
  })
