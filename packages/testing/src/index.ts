/**
 * Faults for an `OracleServer`.
 *
 * @since 0.1.0
 */
export * as Fault from "./Fault.ts"

/**
 * An embedded server for the unmodified `oracledb` driver.
 *
 * @since 0.1.0
 */
export * as OracleServer from "./OracleServer.ts"

export * as SessionPoolLaws from "./SessionPoolLaws.ts"
export * as TestDatabase from "./TestDatabase.ts"
