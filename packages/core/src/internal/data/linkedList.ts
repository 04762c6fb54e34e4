/**
 * An intrusive doubly linked list: an owner brings its own links, so that adding and removing allocate nothing and take
 * constant time wherever in the list the owner is. A link is in at most one list at a time.
 */
export class Link<T> {
  readonly owner: T
  list: LinkedList<T> | undefined = undefined
  previous: Link<T> | undefined = undefined
  next: Link<T> | undefined = undefined

  constructor(owner: T) {
    this.owner = owner
  }
}

export class LinkedList<T> {
  head: Link<T> | undefined = undefined
  tail: Link<T> | undefined = undefined
  size = 0

  get first(): T | undefined {
    return this.head?.owner
  }

  get last(): T | undefined {
    return this.tail?.owner
  }

  pushFront(link: Link<T>): void {
    this.#insert(link, undefined, this.head)
  }

  pushBack(link: Link<T>): void {
    this.#insert(link, this.tail, undefined)
  }

  /** Puts `link` right behind the last owner for which `isBefore` holds, looking from the back. */
  insertFromBack(link: Link<T>, isBefore: (other: T) => boolean): void {
    let previous = this.tail
    while (previous !== undefined && !isBefore(previous.owner)) previous = previous.previous
    this.#insert(link, previous, previous === undefined ? this.head : previous.next)
  }

  *[Symbol.iterator](): Generator<T> {
    let link = this.head
    while (link !== undefined) {
      // Read before the owner is handed out, who may leave the list.
      const next: Link<T> | undefined = link.next
      yield link.owner
      link = next
    }
  }

  #insert(link: Link<T>, previous: Link<T> | undefined, next: Link<T> | undefined): void {
    if (link.list !== undefined) throw new Error("a link is in one list already")
    link.list = this
    link.previous = previous
    link.next = next
    if (previous === undefined) this.head = link
    else previous.next = link
    if (next === undefined) this.tail = link
    else next.previous = link
    this.size++
  }
}

/** Takes `link` out of the list it is in; does nothing when it is in none. */
export const unlink = <T>(link: Link<T>): void => {
  const list = link.list
  if (list === undefined) return
  if (link.previous === undefined) list.head = link.next
  else link.previous.next = link.next
  if (link.next === undefined) list.tail = link.previous
  else link.next.previous = link.previous
  list.size--
  link.list = undefined
  link.previous = undefined
  link.next = undefined
}
