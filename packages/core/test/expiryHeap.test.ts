import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Expiring, ExpiryHeap } from "../src/internal/data/expiryHeap.ts"

const item = (expiresAt: number): Expiring => ({ expiresAt, heapIndex: -1 })

describe("ExpiryHeap", () => {
  it("is a sorted array, whatever is done to it", () => {
    const command = fc.oneof(
      fc.record({ what: fc.constant("add" as const), time: fc.nat(20) }),
      fc.record({ what: fc.constant("remove" as const), time: fc.nat(60) }),
      fc.record({ what: fc.constant("removeEarliest" as const), time: fc.constant(0) })
    )
    fc.assert(fc.property(fc.array(command, { maxLength: 80 }), (commands) => {
      const heap = new ExpiryHeap<Expiring>()
      const model: Array<Expiring> = []
      const all: Array<Expiring> = []
      const remove = (gone: Expiring | undefined) => {
        if (gone === undefined) return
        heap.remove(gone)
        if (model.includes(gone)) model.splice(model.indexOf(gone), 1)
        assert.strictEqual(gone.heapIndex, -1)
      }
      for (const { time, what } of commands) {
        if (what === "add") {
          const added = item(time)
          heap.add(added)
          model.push(added)
          all.push(added)
        } else if (what === "remove") remove(all[time % Math.max(all.length, 1)])
        else remove(heap.earliest)
        assert.strictEqual(heap.size, model.length)
        const earliest = model.length === 0 ? undefined : Math.min(...model.map(({ expiresAt }) => expiresAt))
        assert.strictEqual(heap.earliest?.expiresAt, earliest)
      }
      const order: Array<number> = []
      while (heap.earliest !== undefined) {
        order.push(heap.earliest.expiresAt)
        heap.remove(heap.earliest)
      }
      assert.deepStrictEqual(order, model.map(({ expiresAt }) => expiresAt).sort((a, b) => a - b))
    }))
  })

  it("does nothing for an item that is not in it", () => {
    const heap = new ExpiryHeap<Expiring>()
    const kept = item(1)
    heap.add(kept)
    heap.remove(item(2))
    assert.strictEqual(heap.earliest, kept)
  })
})
