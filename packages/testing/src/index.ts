<<<<<<< HEAD
export * as TestDatabase from "./TestDatabase.ts"
=======
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
>>>>>>> 8b1360714f3cac2ab32f863e290dfa10f4e0b3d5
