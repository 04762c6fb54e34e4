/** The workflow by itself under the virtual clock, and the whole program with its three processes. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer, Ref } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import { WorkflowEngine } from "effect/workflow"
import { main } from "./main.ts"
import { PlaceOrder, PlaceOrderLive } from "./Order.ts"
import { OutOfStock, PaymentDeclined, Warehouse } from "./Warehouse.ts"

const order = { orderId: "order 1", product: "tea", quantity: 2, card: "valid" }

/** A warehouse that notes what it is asked for. */
const noting = (notes: Ref.Ref<ReadonlyArray<string>>, refusal?: OutOfStock | PaymentDeclined) => {
  const note = (text: string) => Ref.update(notes, (all) => [...all, text])
  return Layer.succeed(Warehouse, {
    reserve: () => Effect.andThen(note("reserve"), refusal?._tag === "OutOfStock" ? Effect.fail(refusal) : Effect.void),
    release: () => note("release"),
    charge: () =>
      Effect.andThen(note("charge"), refusal?._tag === "PaymentDeclined" ? Effect.fail(refusal) : Effect.void),
    ship: ({ orderId }) => Effect.as(note("ship"), `parcel of ${orderId}`)
  })
}

const placed = (refusal?: OutOfStock | PaymentDeclined) =>
  Effect.gen(function*() {
    const notes = yield* Ref.make<ReadonlyArray<string>>([])
    const layer = Layer.provide(PlaceOrderLive, noting(notes, refusal)).pipe(
      Layer.provideMerge(WorkflowEngine.layerMemory)
    )
    const result = yield* Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Effect.result(PlaceOrder.execute(order)))
      // The workflow goes on between two steps of the clock, in turns of its own.
      while (fiber.pollUnsafe() === undefined) {
        yield* TestClock.adjust("1 second")
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      }
      return yield* Fiber.join(fiber)
    }).pipe(Effect.provide(layer))
    return { result, notes: yield* Ref.get(notes) }
  })

describe("an order", () => {
  it.effect("is reserved, charged and shipped", () =>
    Effect.gen(function*() {
      const { notes, result } = yield* placed()
      assert.strictEqual(result._tag === "Success" && result.success, "parcel of order 1")
      assert.deepStrictEqual(notes, ["reserve", "charge", "ship"])
    }))

  it.effect("ends where there is not enough, with nothing to give back", () =>
    Effect.gen(function*() {
      const { notes, result } = yield* placed(new OutOfStock({ product: "tea" }))
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "OutOfStock")
      assert.deepStrictEqual(notes, ["reserve"])
    }))

  it.effect("gives back what it has reserved when the payment is declined", () =>
    Effect.gen(function*() {
      const { notes, result } = yield* placed(new PaymentDeclined({ orderId: "order 1" }))
      assert.strictEqual(result._tag === "Failure" && result.failure._tag, "PaymentDeclined")
      assert.deepStrictEqual(notes, ["reserve", "charge", "release"])
    }))
})

describe("the cluster", () => {
  it.live("ships every order once, also when a runner is killed", () =>
    Effect.gen(function*() {
      yield* main
      assert.deepStrictEqual((yield* TestConsole.logLines).map(String), [
        "Orders         22 placed with three runners; runner 2 was killed on the way",
        "Shipped        20",
        "Failed         OutOfStock, PaymentDeclined",
        "Steps          charge 20, release 1, reserve 21, ship 20",
        "Stock          cocoa 41, coffee 39, tea 40"
      ])
    }).pipe(
      Effect.provide(Layer.merge(TestConsole.layer, ConfigProvider.layer(ConfigProvider.fromUnknown({}))))
    ), 120_000)
})
