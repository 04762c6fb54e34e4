/**
 * The rows of one table with their versions.
 *
 * A row is an array: its number first, then the values in the places that the catalog gives to the columns. An array is
 * never changed once a statement may have seen it; a change makes a new version in front of the old ones. A version is
 * uncommitted while it has an owner. A read sees, from the newest to the oldest, the first version that was committed by
 * the moment of its {@link Snapshot}, or that its own session made before it.
 *
 * Rows stand in blocks; a block whose rows are all gone goes too, so a table that is used as a queue stays small.
 *
 * A fork shares the blocks and the versions in them; whichever table writes to a block first copies it. A version that is
 * shared is committed and has none behind it, so nothing ever changes it.
 */
import { type Memory, sizeOf } from "./memory.ts"
import type { Key, OrderedIndex } from "./orderedIndex.ts"
import type { Row } from "./row.ts"

export type { Row }

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

const fill = (index: OrderedIndex, head: Version): void => {
  for (let version: Version | undefined = head; version !== undefined; version = version.older) {
    if (version.values !== undefined) index.add(version.values)
  }
}

export class TableData {
  readonly indexes: Array<OrderedIndex> = []
  /** Locks of rows that no uncommitted version marks: row number to session. */
  readonly rowLocks = new Map<number, number>()
  #blocks: Array<Block | undefined> = []
  /** Blocks that another table has too. */
  #shared: Set<Block> | undefined
  readonly #memory: Memory
  nextRow = 0
  /** Rows whose newest version is not deleted. */
  size = 0
  #bytes = 0

  constructor(memory: Memory) {
    this.#memory = memory
  }

  /**
   * The committed rows as a table of its own. `unsettled` are the rows that have uncommitted versions or more than one.
   */
  fork(memory: Memory, unsettled: Iterable<number>): TableData {
    const fork = new TableData(memory)
    fork.nextRow = this.nextRow
    fork.size = this.size
    fork.#bytes = this.#bytes
    memory.add(this.#bytes)
    fork.#blocks = this.#blocks.slice()
    const blocks = this.#blocks.filter((block) => block !== undefined)
    this.#shared = new Set(blocks)
    fork.#shared = new Set(blocks)
    for (const index of this.indexes) fork.indexes.push(index.fork())
    for (const row of unsettled) fork.#settle(row)
    return fork
  }

  /** Leaves of a row what is committed. */
  #settle(row: number): void {
    const head = this.head(row)
    let kept = head
    while (kept !== undefined && kept.owner !== 0) kept = kept.older
    const isThere = kept?.values !== undefined
    this.#setHead(row, isThere ? { ...kept!, older: undefined } : undefined)
    for (let version = head; version !== undefined; version = version.older) {
      if (version !== kept) this.#forget(row, version)
    }
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
    } else if (this.#shared !== undefined && this.#shared.delete(block)) {
      block = { rows: block.rows.slice(), live: block.live }
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
    this.each((head) => fill(index, head))
  }

  /** The same, for a caller who visits the rows by itself: what it has to do with each of them. */
  beginIndex(index: OrderedIndex): (head: Version) => void {
    this.indexes.push(index)
    return (head) => fill(index, head)
  }

  /** The newest version of every row, in order; none may be written while they are walked. */
  *heads(): Iterable<Version> {
    for (const block of this.#blocks) {
      if (block === undefined) continue
      for (const head of block.rows) if (head !== undefined) yield head
    }
  }

  /** The numbers of all rows, in order. */
  *rowNumbers(): Iterable<number> {
    for (let index = 0; index < this.#blocks.length; index++) {
      const length = this.#blocks[index]?.rows.length ?? 0
      for (let place = 0; place < length; place++) yield index * blockSize + place
    }
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

  /** Gives a row, in each of its versions, the values that `change` makes of it; the columns of indexes stay as they are. */
  rewrite(row: number, change: (values: Row) => Row): void {
    const changed = (version: Version): Version => ({
      ...version,
      values: version.values === undefined ? undefined : change(version.values),
      older: version.older === undefined ? undefined : changed(version.older)
    })
    const head = this.head(row)
    if (head !== undefined) this.#setHead(row, changed(head))
  }

  /** What its rows take, by estimate. */
  get bytes(): number {
    return this.#bytes
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
