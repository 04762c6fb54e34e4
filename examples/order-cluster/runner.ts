/** A process that serves orders: `node examples/order-cluster/runner.ts 1`. SIGTERM lets it hand its work over before it ends. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Layer } from "effect"
import { client, engine } from "./cluster.ts"
import { PlaceOrderLive } from "./Order.ts"
import { Warehouse } from "./Warehouse.ts"

const runner = PlaceOrderLive.pipe(
  Layer.provide([engine(Number(process.argv[2])), Warehouse.layer]),
  Layer.provide(client)
)

if (import.meta.main) NodeRuntime.runMain(Layer.launch(runner))
