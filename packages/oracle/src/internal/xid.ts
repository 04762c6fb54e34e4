/** The id of a branch of a global transaction, as every party names it. */
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { kindOf } from "./refusal.ts"

const part = Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{2}){1,64}$/))

const mostBytes = 64

/** The name of a branch as its id has it. */
const digitsOf = (branch: string): string => {
  const bytes = typeof branch === "string" ? Buffer.byteLength(branch) : 0
  if (bytes < 1 || bytes > mostBytes) {
    throw new RangeError(
      `The name of a branch must be a text of 1 to ${mostBytes} bytes, not ${
        typeof branch === "string" ? `one of ${bytes}` : kindOf(branch)
      }`
    )
  }
  return Buffer.from(branch).toString("hex")
}

/** "spool" in ASCII, cut to 32 bits: whose ids these are. */
const ownFormat = 0x73706f6f

/**
 * The id of a branch of a global transaction (X/Open XA): the global transaction, and which part of it a database has. It is a Schema, so that a
 * coordinator can keep it.
 *
 * **When to use**
 *
 * Make one with `Xid.random` for each database that takes part, or with `withBranch` from the first. A transaction manager brings its own.
 *
 * **Details**
 *
 * `globalId` and `branch` are in hexadecimal digits, from 1 to 64 bytes each. `formatId` says how the two are to be read; it is not
 * negative.
 *
 * **Example** (One transaction over two databases)
 *
 * ```ts
 * import { GlobalTransaction } from "@sessionpool/oracle"
 *
 * const orders = GlobalTransaction.Xid.random("orders")
 * const stock = orders.withBranch("stock")
 * ```
 *
 * @category models
 * @since 0.2.0
 */
export class Xid extends Schema.Class<Xid>("@sessionpool/oracle/Xid")({
  formatId: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_147_483_647 })),
  globalId: part,
  branch: part
}) {
  /** A new global transaction, with its first branch under a name. It throws a `RangeError` for one that is not of 1 to 64 bytes. */
  static random(branch: string): Xid {
    return new Xid({
      formatId: ownFormat,
      globalId: Buffer.from(randomUUID()).toString("hex"),
      branch: digitsOf(branch)
    })
  }

  /** Another branch of the same global transaction, under a name of its own. */
  withBranch(branch: string): Xid {
    return new Xid({ formatId: this.formatId, globalId: this.globalId, branch: digitsOf(branch) })
  }

  override toString(): string {
    return `${this.formatId}:${this.globalId}:${this.branch}`
  }
}
