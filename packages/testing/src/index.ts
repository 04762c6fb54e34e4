export * as SessionPoolLaws from "./SessionPoolLaws.ts"
export * as TestDatabase from "./TestDatabase.ts"
