/** Index-by tables against a model that sorts all its keys at each step. */
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { MapValue } from "../../src/internal/engine/values/composite.ts"
import type { CollectionType } from "../../src/internal/engine/values/dataTypes.ts"
import { NUMBER, varchar2 } from "../../src/internal/engine/values/sqlType.ts"

const tableOf = (form: "numbers" | "texts"): CollectionType => ({
  kind: "collection",
  owner: undefined,
  package: undefined,
  name: "T",
  form,
  element: NUMBER,
  limit: undefined,
  key: form === "texts" ? varchar2(10) : NUMBER
})

type Op =
  | { readonly kind: "set" | "delete" | "look"; readonly at: number }
  /** Many at once, as far as thousands, which is where keys change their places. */
  | { readonly kind: "fill"; readonly at: number; readonly count: number; readonly step: number }
  | { readonly kind: "range"; readonly at: number; readonly to: number }
  | { readonly kind: "clear" }

const places = fc.integer({ min: 0, max: 9999 })
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom("set" as const, "delete" as const, "look" as const), at: places })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("fill" as const),
      at: places,
      count: fc.integer({ min: 1, max: 3000 }),
      step: fc.constantFrom(1, 7, -3, 7919)
    })
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("range" as const), at: places, to: places }) },
  { weight: 1, arbitrary: fc.constant({ kind: "clear" as const }) }
)

describe("an index-by table", () => {
  it.each(["numbers", "texts"] as const)("keeps its keys in order, by %s", (form) => {
    const keyOf = (n: number): number | string => form === "numbers" ? n - 5000 : `k${String(n).padStart(4, "0")}`
    fc.assert(
      fc.property(fc.array(op, { maxLength: 25 }), (ops) => {
        const table = new MapValue(tableOf(form))
        const model = new Set<number>()
        const sorted = (): ReadonlyArray<number> => [...model].toSorted((a, b) => a - b)
        const shown = (n: number | undefined): number | string | null => n === undefined ? null : keyOf(n)
        for (const each of ops) {
          if (each.kind === "set") {
            table.set(keyOf(each.at), each.at)
            model.add(each.at)
          } else if (each.kind === "fill") {
            for (let i = 0; i < each.count; i++) {
              const at = (((each.at + i * each.step) % 10_000) + 10_000) % 10_000
              table.set(keyOf(at), at)
              model.add(at)
            }
          } else if (each.kind === "delete") {
            table.delete(keyOf(each.at))
            model.delete(each.at)
          } else if (each.kind === "range") {
            table.delete(keyOf(each.at), keyOf(each.to))
            for (const n of model) if (n >= each.at && n <= each.to) model.delete(n)
          } else if (each.kind === "clear") {
            table.delete()
            model.clear()
          } else {
            const all = sorted()
            assert.strictEqual(table.first, shown(all[0]))
            assert.strictEqual(table.last, shown(all.at(-1)))
            assert.strictEqual(table.next(keyOf(each.at)), shown(all.find((n) => n > each.at)))
            assert.strictEqual(table.prior(keyOf(each.at)), shown(all.findLast((n) => n < each.at)))
          }
          assert.strictEqual(table.count, model.size)
        }
        assert.deepStrictEqual(table.keys(), sorted().map(keyOf))
        for (const n of model) assert.strictEqual(table.get(keyOf(n)), n)
      }),
      { numRuns: 40 }
    )
  })
})
