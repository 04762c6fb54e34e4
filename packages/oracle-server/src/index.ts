/**
 * Faults for an `OracleServer`.
 *
 * @since 0.1.0
 */
export * as Fault from "./Fault.ts"

/**
 * An embedded server for unmodified Oracle clients.
 *
 * @since 0.1.0
 */
export * as OracleServer from "./OracleServer.ts"
