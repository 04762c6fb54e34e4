import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { packages, root } from "./lib/files.ts"

/** As package managers name themselves to the scripts that they run. */
const prepack = (agent: string | undefined) =>
  spawnSync(process.execPath, [join(root, "scripts", "prepack.mjs")], {
    encoding: "utf8",
    env: { ...process.env, npm_config_user_agent: agent }
  })

describe("packing", () => {
  it("is refused to a package manager that would leave the manifest as it is (G2)", () => {
    for (const agent of ["npm/11.19.1 node/v24.21.0 linux x64", "yarn/4.0.0 npm/? node/v24.21.0", undefined]) {
      const { status, stderr } = prepack(agent)
      assert.strictEqual(status, 1)
      assert.include(stderr, "npm run pack")
    }
    assert.strictEqual(prepack("pnpm/11.28.11 npm/? node/v24.21.0 linux x64").status, 0)
  })

  it("of every package asks (G2)", async () => {
    for (const name of packages) {
      const manifest: { readonly default: { readonly scripts?: Record<string, string> } } = await import(
        /* @vite-ignore */ join(root, "packages", name, "package.json"),
        { with: { type: "json" } }
      )
      assert.strictEqual(manifest.default.scripts?.["prepack"], "node ../../scripts/prepack.mjs", name)
    }
  })
})
