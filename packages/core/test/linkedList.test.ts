import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Link, LinkedList, unlink } from "../src/internal/data/linkedList.ts"

/** Every property of the list that follows from what is in it, both ways round. */
const assertHolds = (list: LinkedList<number>, model: ReadonlyArray<number>) => {
  assert.deepStrictEqual([...list], model)
  assert.strictEqual(list.size, model.length)
  assert.strictEqual(list.first, model[0])
  assert.strictEqual(list.last, model.at(-1))
  const backwards: Array<number> = []
  for (let link = list.tail; link !== undefined; link = link.previous) backwards.push(link.owner)
  assert.deepStrictEqual(backwards, model.toReversed())
}

describe("LinkedList", () => {
  it("is an array, whatever is done to it", () => {
    const command = fc.record({
      what: fc.constantFrom("pushFront", "pushBack", "insertFromBack", "unlink"),
      owner: fc.nat(9)
    })
    fc.assert(fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const list = new LinkedList<number>()
      const links = Array.from({ length: 10 }, (_, owner) => new Link(owner))
      const model: Array<number> = []
      for (const { owner, what } of commands) {
        const link = links[owner]!
        if (what === "unlink") {
          unlink(link)
          if (model.includes(owner)) model.splice(model.indexOf(owner), 1)
        } else if (link.list !== undefined) {
          assert.throws(() => list.pushBack(link), "a link is in one list already")
        } else if (what === "insertFromBack") {
          const isBefore = (other: number) => other < owner
          list.insertFromBack(link, isBefore)
          model.splice(model.findLastIndex(isBefore) + 1, 0, owner)
        } else {
          list[what](link)
          if (what === "pushFront") model.unshift(owner)
          else model.push(owner)
        }
        assertHolds(list, model)
      }
    }))
  })

  it("may lose the owner that is looked at while it is walked", () => {
    const list = new LinkedList<number>()
    const links = [1, 2, 3, 4].map((owner) => new Link(owner))
    for (const link of links) list.pushBack(link)
    const seen: Array<number> = []
    for (const owner of list) {
      seen.push(owner)
      unlink(links[owner - 1]!)
    }
    assert.deepStrictEqual(seen, [1, 2, 3, 4])
    assertHolds(list, [])
  })

  it("a link that left one list may join another", () => {
    const [first, second] = [new LinkedList<number>(), new LinkedList<number>()]
    const link = new Link(1)
    first.pushBack(link)
    assert.throws(() => second.pushBack(link))
    unlink(link)
    unlink(link)
    second.pushFront(link)
    assertHolds(first, [])
    assertHolds(second, [1])
  })
})
