/** What a heap keeps in order: when it expires, and where in the heap it stands (-1: not in it). */
export interface Expiring {
  readonly expiresAt: number
  heapIndex: number
}

/**
 * A binary heap by `expiresAt`, earliest first. Jitter makes lifetimes end in another order than they began, so a queue
 * would not do; the heap lets a sweep cost what it evicts.
 */
export class ExpiryHeap<T extends Expiring> {
  readonly #items: Array<T> = []

  get earliest(): T | undefined {
    return this.#items[0]
  }

  get size(): number {
    return this.#items.length
  }

  add(item: T): void {
    this.#items.push(item)
    item.heapIndex = this.#items.length - 1
    this.#up(item)
  }

  remove(item: T): void {
    const index = item.heapIndex
    if (index < 0) return
    item.heapIndex = -1
    const last = this.#items.pop()!
    if (last === item) return
    this.#items[index] = last
    last.heapIndex = index
    this.#up(last)
    this.#down(last)
  }

  #swap(a: T, b: T): void {
    const index = a.heapIndex
    this.#items[b.heapIndex] = a
    this.#items[index] = b
    a.heapIndex = b.heapIndex
    b.heapIndex = index
  }

  #up(item: T): void {
    while (item.heapIndex > 0) {
      const parent = this.#items[(item.heapIndex - 1) >> 1]!
      if (parent.expiresAt <= item.expiresAt) return
      this.#swap(parent, item)
    }
  }

  #down(item: T): void {
    for (;;) {
      const left = this.#items[item.heapIndex * 2 + 1]
      const right = this.#items[item.heapIndex * 2 + 2]
      const child = right !== undefined && right.expiresAt < left!.expiresAt ? right : left
      if (child === undefined || child.expiresAt >= item.expiresAt) return
      this.#swap(item, child)
    }
  }
}
