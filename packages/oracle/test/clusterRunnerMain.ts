/** A process that is a runner: `node clusterRunnerMain.ts <connect string> <user> <prefix> <number> <locks>`. SIGTERM shuts it down cleanly. */
import { Effect, Fiber, Layer, Redacted } from "effect"
import { runner } from "./clusterRunner.ts"

const [connectString = "", user = "", prefix = "", number = "", kind = ""] = process.argv.slice(2)
const locks = kind === "session" ? "session" : "lease"
const password = Redacted.make(process.env["RUNNER_PASSWORD"] ?? "")

const fiber = Effect.runFork(Layer.launch(runner({ connectString, user, password, prefix, locks }, Number(number))))
process.once("SIGTERM", () => void Effect.runFork(Fiber.interrupt(fiber)))
