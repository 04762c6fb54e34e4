/**
 * The rows of one table with their versions.
 *
 * A row is an array: its number first, then the values in the places that the catalog gives to the columns. An array is
 * never changed once a statement may have seen it; a change makes a new version in front of the old ones. A version is
 * uncommitted while it has an owner. A read sees, from the newest to the oldest, the first version that was committed by
 * the moment of its {@link Snapshot}, or that its own session made before it.
 *
 * Rows stand in blocks; a block whose rows are all gone goes too, so a table that is used as a queue stays small.
 */
import type { Stored } from "../values/convert.ts"
import { type Memory, sizeOf } from "./memory.ts"
import type { Key, OrderedIndex } from "./orderedIndex.ts"

export type Row = Array<Stored>

export interface Version {
  /** undefined: the row was deleted. */
  readonly values: Row | undefined
  /** The session whose uncommitted transaction made it; 0 once committed. */
  owner: number
  /** Infinity until it is committed. */
  scn: number
  readonly maker: number
  /** The statement that made it. */
  readonly statement: number
  older: Version | undefined
}

/** The moment a read is consistent with. */
export interface Snapshot {
  readonly scn: number
  readonly sid: number
  /** Versions of the session's own statements with a lower number are seen. */
  readonly statement: number
}

const blockSize = 256

interface Block {
  readonly rows: Array<Version | undefined>
  live: number
}

export const visible = (head: Version | undefined, snapshot: Snapshot): Row | undefined => {
  for (let version = head; version !== undefined; version = version.older) {
    if (
      version.scn <= snapshot.scn || (version.maker === snapshot.sid && version.statement < snapshot.statement)
    ) return version.values
  }
  return undefined
}

/** What holds now for a session that may wait for the others: the newest version that is committed or its own. */
export const current = (head: Version | undefined, sid: number): Version | undefined => {
  let version = head
  while (version !== undefined && version.owner !== 0 && version.owner !== sid) version = version.older
  return version
}

export class TableData {
  readonly indexes: Array<OrderedIndex> = []
  /** Locks of rows that no uncommitted version marks: row number to session. */
  readonly rowLocks = new Map<number, number>()
  readonly #blocks: Array<Block | undefined> = []
  readonly #memory: Memory
  nextRow = 0
  /** Rows whose newest version is not deleted. */
  size = 0
  #bytes = 0

  constructor(memory: Memory) {
    this.#memory = memory
  }

  head(row: number): Version | undefined {
    return this.#blocks[row >> 8]?.rows[row & 255]
  }

  /** The block of a row number, for a scan that walks its rows by itself. */
  block(index: number): ReadonlyArray<Version | undefined> | undefined {
    return this.#blocks[index]?.rows
  }

  #setHead(row: number, version: Version | undefined): void {
    const index = row >> 8
    let block = this.#blocks[index]
    if (block === undefined) {
      block = { rows: [], live: 0 }
      this.#blocks[index] = block
    }
    const place = row & 255
    const before = block.rows[place]
    while (block.rows.length < place) block.rows.push(undefined)
    block.rows[place] = version
    if (before === undefined && version !== undefined) block.live++
    else if (before !== undefined && version === undefined) block.live--
    if ((before?.values === undefined) !== (version?.values === undefined)) {
      this.size += version?.values === undefined
        ? -1
        : 1
    }
    if (block.live === 0 && this.nextRow >= (index + 1) * blockSize) this.#blocks[index] = undefined
  }

  /** Puts a version in front of the others of its row. */
  push(row: number, values: Row | undefined, sid: number, statement: number): Version {
    const older = this.head(row)
    if (values !== undefined) {
      const size = sizeOf(values)
      this.#memory.take(size)
      this.#bytes += size
    }
    const version: Version = { values, owner: sid, scn: Infinity, maker: sid, statement, older }
    this.#setHead(row, version)
    if (values !== undefined) { for (let i = 0; i < this.indexes.length; i++) this.indexes[i]!.add(values) }
    return version
  }

  /** Takes the newest version away again. */
  pop(row: number): void {
    const version = this.head(row)!
    this.#setHead(row, version.older)
    this.#forget(row, version)
  }

  /** Removes what only this version needed. */
  #forget(row: number, version: Version): void {
    const { values } = version
    if (values === undefined) return
    const size = sizeOf(values)
    this.#memory.give(size)
    this.#bytes -= size
    for (const index of this.indexes) {
      const key = index.keyOf(values)
      if (!this.#hasKey(row, index, key)) index.remove(key, row)
    }
  }

  #hasKey(row: number, index: OrderedIndex, key: Key): boolean {
    for (let version = this.head(row); version !== undefined; version = version.older) {
      if (version.values !== undefined && index.compare(index.keyOf(version.values), key) === 0) return true
    }
    return false
  }

  /** Cuts the versions that no read from this moment on can see. */
  prune(row: number, scn: number): void {
    let keep = this.head(row)
    while (keep !== undefined && keep.scn > scn) keep = keep.older
    if (keep === undefined) return
    let gone = keep.older
    keep.older = undefined
    if (keep.values === undefined && keep === this.head(row)) this.#setHead(row, undefined)
    for (; gone !== undefined; gone = gone.older) this.#forget(row, gone)
  }

  /** The session that holds the row, 0 when none does. */
  holder(row: number): number {
    const owner = this.head(row)?.owner ?? 0
    return owner !== 0 ? owner : this.rowLocks.get(row) ?? 0
  }

  /** A new index gets the rows that are there. */
  addIndex(index: OrderedIndex): void {
    this.indexes.push(index)
    this.each((head) => {
      for (let version: Version | undefined = head; version !== undefined; version = version.older) {
        if (version.values !== undefined) index.add(version.values)
      }
    })
  }

  index(id: number): OrderedIndex {
    return this.indexes.find((index) => index.id === id)!
  }

  dropIndex(id: number): void {
    const at = this.indexes.findIndex((index) => index.id === id)
    if (at >= 0) this.indexes.splice(at, 1)
  }

  /** The newest version of every row, in order. */
  each(visit: (head: Version, row: number) => void): void {
    this.#blocks.forEach((block, index) => {
      if (block === undefined) return
      for (let place = 0; place < block.rows.length; place++) {
        const head = block.rows[place]
        if (head !== undefined) visit(head, index * blockSize + place)
      }
    })
  }

  /** Rows get more places; nobody who reads them knows of those yet. */
  widen(places: number): void {
    this.each((head) => {
      for (let version: Version | undefined = head; version !== undefined; version = version.older) {
        while (version.values !== undefined && version.values.length < places) version.values.push(null)
      }
    })
  }

  /** The rows do not count any more. */
  release(): void {
    this.#memory.give(this.#bytes)
    this.#bytes = 0
  }

  clear(): void {
    this.#blocks.length = 0
    this.size = 0
    this.rowLocks.clear()
    this.#memory.give(this.#bytes)
    this.#bytes = 0
    for (const index of this.indexes) index.clear()
  }
}
