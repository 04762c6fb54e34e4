/** Lists of what carries a tag, one for each tag. */
import { LinkedList } from "./linkedList.ts"

/** Those of one tag. Whoever remembers such a list has to look whether it is still the one. */
export class ListOfTag<T> extends LinkedList<T> {
  readonly tag: string
  isCurrent = true

  constructor(tag: string) {
    super()
    this.tag = tag
  }
}

/**
 * Lists by tag. A list that has become empty stays for a while, since the same tag mostly comes back at once; when there are
 * many more lists than were found in use the last time, the empty ones go. So no tag that was ever seen stays for good.
 */
export class ListsByTag<T> {
  readonly #lists = new Map<string, ListOfTag<T>>()
  #limit = 16

  first(tag: string): T | undefined {
    return this.#lists.get(tag)?.first
  }

  get(tag: string): ListOfTag<T> | undefined {
    return this.#lists.get(tag)
  }

  /** The list of a tag, made when there is none. */
  of(tag: string): ListOfTag<T> {
    const known = this.#lists.get(tag)
    if (known !== undefined) return known
    if (this.#lists.size >= this.#limit) this.#tidy()
    const list = new ListOfTag<T>(tag)
    this.#lists.set(tag, list)
    return list
  }

  /** The first of every list that is not empty. */
  *firsts(): Generator<T> {
    for (const list of this.#lists.values()) {
      if (list.first !== undefined) yield list.first
    }
  }

  #tidy(): void {
    for (const [tag, list] of this.#lists) {
      if (list.size > 0) continue
      this.#lists.delete(tag)
      list.isCurrent = false
    }
    this.#limit = Math.max(16, this.#lists.size * 2)
  }
}
