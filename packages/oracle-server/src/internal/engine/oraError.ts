/** The errors of the contract: what the wire side raises, and knows again when the engine raises it. */
export { OraError, oraError, unimplemented } from "./values/oraError.ts"
