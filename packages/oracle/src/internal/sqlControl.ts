/** What a statement does to the transaction that it runs in, as its text tells. */
import { significant, wordOf } from "./sqlTokens.ts"

/** The unquoted words of a statement in capitals, in their order; an empty text stands for every other token. */
const wordsOf = (sql: string): ReadonlyArray<string> => significant(sql).map(wordOf)

const definitions: ReadonlySet<string> = new Set([
  "CREATE",
  "ALTER",
  "DROP",
  "TRUNCATE",
  "RENAME",
  "GRANT",
  "REVOKE",
  "COMMENT",
  "ANALYZE",
  "AUDIT",
  "NOAUDIT",
  "PURGE",
  "FLASHBACK",
  "ASSOCIATE",
  "DISASSOCIATE"
])

/** Whether it asks for rows and changes nothing; it may begin with parentheses. */
const isQuery = (words: ReadonlyArray<string>): boolean => {
  const first = words.find((word) => word !== "")
  return first === "SELECT" || first === "WITH"
}

/** Whether it commits when it has run: DDL always does, other statements when they were sent with a commit. */
export const commitsByItself = (sql: string | undefined, isAutoCommit: boolean): boolean => {
  if (sql === undefined) return isAutoCommit
  const words = wordsOf(sql)
  const [first = "", second] = words
  if (isQuery(words)) return false
  if (first === "ALTER" && (second === "SESSION" || second === "SYSTEM")) return false
  return isAutoCommit || definitions.has(first)
}

/** Whether it begins or ends a transaction by hand. */
export const transactionControlOf = (sql: string): "begins" | "ends" | undefined => {
  // Most statements are told by their first word, without a look at the rest.
  const [, begins = ""] = /^\s*([a-z]*)/i.exec(sql) ?? []
  if (begins !== "" && !/^(?:set|savepoint|commit|rollback)$/i.test(begins)) return undefined
  const [first, second, third] = wordsOf(sql)
  if (first === "SAVEPOINT" || (first === "SET" && second === "TRANSACTION")) return "begins"
  if (first === "COMMIT") return "ends"
  return first === "ROLLBACK" && second !== "TO" && !(second === "WORK" && third === "TO") ? "ends" : undefined
}

/** Whether a query locks the rows that it gives. */
export const locksRows = (sql: string): boolean => {
  if (!/\bfor\b[\s\S]*\bupdate\b/i.test(sql)) return false
  const words = wordsOf(sql)
  return isQuery(words) && words.some((word, index) => word === "FOR" && words[index + 1] === "UPDATE")
}
