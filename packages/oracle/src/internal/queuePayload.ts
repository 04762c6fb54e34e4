/** What the messages of a queue carry: how a value of the program is written as one, and read. */
import type * as Schema from "effect/Schema"
import type { ValueSchema } from "../OracleBind.ts"
import { checkJson, RefusedBind } from "./bindRefusal.ts"
import { decodeWith, encodeWith, readObject, writeObject } from "./dbObjects.ts"
import { Unfit } from "./numberPolicy.ts"
import { type DbClass, type DbType, driver } from "./oracledb.ts"
import type { ValueSettings } from "./valueSettings.ts"

/** A payload of a kind with the schema of its values. */
export interface PayloadType<in out A> {
  readonly kind: "raw" | "json" | "object"
  /** Of the object type. */
  readonly name: string | undefined
  readonly schema: Schema.Codec<A, unknown>
}

/** What the driver is told of the payloads of a queue. */
export const driverType = <A>({ kind, name }: PayloadType<A>): DbType | string =>
  kind === "raw" ? driver.DB_TYPE_RAW : kind === "json" ? driver.DB_TYPE_JSON : name!

/** A value as the driver takes it; throws `RefusedBind`. */
export const writePayload = <A>(
  { kind, schema }: PayloadType<A>,
  value: A,
  type: DbClass | undefined,
  settings: ValueSettings
): unknown => {
  const encoded = encodeWith(schema as ValueSchema<unknown>, value)
  if (kind === "object") {
    if (encoded === null || encoded === undefined) throw new RefusedBind("a message must be an object")
    return writeObject(type!, encoded, settings)
  }
  if (kind === "json") {
    if (encoded === undefined) throw new RefusedBind("a message must be a JSON value, not undefined")
    checkJson(encoded)
    return encoded
  }
  if (!(encoded instanceof Uint8Array)) throw new RefusedBind("a RAW message must be bytes, a Uint8Array")
  return Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength)
}

/** A value of the driver as one of the program, or what of it does not fit. */
export const readPayload = <A>(
  { kind, schema }: PayloadType<A>,
  value: unknown,
  settings: ValueSettings
): A | Unfit => {
  const plain = kind === "object"
    ? readObject(value, "payload", settings)
    : kind === "raw" && value instanceof Uint8Array
    ? Uint8Array.from(value)
    : value
  return decodeWith(schema as ValueSchema<unknown>, plain) as A | Unfit
}

export { Unfit }
