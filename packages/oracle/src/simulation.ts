/**
 * How large pools must be, as modules of their own: `import { PoolSimulation, PoolRecording } from "@sessionpool/oracle/simulation"`.
 *
 * @since 0.3.0
 */
export * as PoolRecording from "./PoolRecording.ts"
export * as PoolSimulation from "./PoolSimulation.ts"
