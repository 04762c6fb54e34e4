export * as OracleError from "./OracleError.ts"
