/**
 * For the tests of an application, as a module of its own: `import { OracleTest } from "@sessionpool/oracle/test"`.
 *
 * @since 0.2.0
 */
export * as OracleTest from "./OracleTest.ts"
