/**
 * The object types that the binds of a session have named, as the driver knows them: each is described once, and again after a statement
 * with it has failed, since the type may have been changed.
 */
import type { DbClass } from "./oracledb.ts"

/** The driver's classes for the object types of binds, by name. */
export type ObjectClasses = ReadonlyMap<string, DbClass>

/** Of how many statements it is noted which types they were sent with. */
const mostStatements = 200

export class ObjectTypes {
  readonly #classes = new Map<string, DbClass>()
  readonly #sentWith = new Map<string, ReadonlyArray<DbClass>>()
  #mayBeStale = false

  has(name: string): boolean {
    return this.#classes.has(name)
  }

  /** Notes what the driver has described. */
  add(name: string, described: DbClass): void {
    this.#classes.set(name, described)
  }

  /** Those that one statement names. */
  of(names: ReadonlyArray<string>): ObjectClasses {
    const found = new Map<string, DbClass>()
    for (const name of names) {
      const known = this.#classes.get(name)
      if (known !== undefined) found.set(name, known)
    }
    return found
  }

  /** A statement with them has failed: each is described anew before it is used again. */
  doubt(): void {
    this.#classes.clear()
    this.#mayBeStale = true
  }

  /** Whether the driver has to forget its types before it describes another; asked once, it counts as done. */
  takeDoubt(): boolean {
    const mayBeStale = this.#mayBeStale
    this.#mayBeStale = false
    return mayBeStale
  }

  /**
   * Whether a statement was sent with other types before. To the driver an object is an object: it would execute the cursor that the server
   * has made for the types of before.
   */
  differFor(sql: string, classes: ObjectClasses): boolean {
    const before = this.#sentWith.get(sql)
    const now = [...classes.values()]
    if (before === undefined && this.#sentWith.size >= mostStatements) {
      for (const oldest of this.#sentWith.keys()) {
        this.#sentWith.delete(oldest)
        break
      }
    }
    this.#sentWith.set(sql, now)
    return before !== undefined && (before.length !== now.length || before.some((known, i) => known !== now[i]))
  }
}
