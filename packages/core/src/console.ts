/**
 * A page that shows pools while they work, as a module of its own: `import { PoolConsole } from "@sessionpool/core/console"`.
 *
 * @since 0.2.0
 */
export * as PoolConsole from "./PoolConsole.ts"
