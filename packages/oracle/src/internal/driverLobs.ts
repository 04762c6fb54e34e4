/** How the driver makes temporary LOBs: a part of `driverInternals.ts`, which says what is to be done about private members. */
import type { DriverConnection } from "./oracledb.ts"

interface LobImplementation {
  _chunkSize: number
  _pieceSize: number
  readonly create: (connection: object, type: unknown) => Promise<void>
}

type CreateLob = (this: object, type: unknown) => Promise<unknown>

const isLobImplementation = (value: unknown): value is LobImplementation => {
  if (typeof value !== "object" || value === null) return false
  const { _chunkSize, _getChunkSizeAsync, create } = value as Record<string, unknown>
  return typeof _chunkSize === "number" && typeof _getChunkSizeAsync === "function" && typeof create === "function"
}

/**
 * Makes the driver ask for the size of a chunk once for each type of LOB: it is the same for all temporary LOBs of a type in a session, and
 * to ask for it is a round trip. `false` where this release makes LOBs otherwise.
 */
export const createLobsInOneRoundTrip = (connection: DriverConnection): boolean => {
  const implementation: unknown = Reflect.get(connection, "_impl")
  if (typeof implementation !== "object" || implementation === null) return false
  const create = Reflect.get(implementation, "createLob") as CreateLob | undefined
  if (typeof create !== "function" || create.length !== 1) return false
  if (Object.hasOwn(implementation, "createLob")) return true
  const known = new Map<unknown, { readonly chunk: number; readonly Implementation: new() => LobImplementation }>()
  const createKnown: CreateLob = async function(type) {
    const found = known.get(type)
    if (found === undefined) {
      const made = await create.call(this, type)
      if (isLobImplementation(made)) {
        known.set(type, { chunk: made._chunkSize, Implementation: made.constructor as new() => LobImplementation })
      }
      return made
    }
    const lob = new found.Implementation()
    const setChunkSize = async () => {
      lob._chunkSize = lob._pieceSize = found.chunk
    }
    Object.defineProperty(lob, "_getChunkSizeAsync", { value: setChunkSize })
    await lob.create(this, type)
    return lob
  }
  Object.defineProperty(implementation, "createLob", { value: createKnown, writable: true, configurable: true })
  return true
}
