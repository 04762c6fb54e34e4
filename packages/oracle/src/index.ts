export * as ConnectDescriptor from "./ConnectDescriptor.ts"
export * as OracleError from "./OracleError.ts"
