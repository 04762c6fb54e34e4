/** The tablespaces that every database here has. All rows are in memory: they are names. */
export const tablespaces: ReadonlyArray<readonly [name: string, contents: "PERMANENT" | "UNDO" | "TEMPORARY"]> = [
  ["SYSTEM", "PERMANENT"],
  ["SYSAUX", "PERMANENT"],
  ["UNDOTBS1", "UNDO"],
  ["TEMP", "TEMPORARY"],
  ["USERS", "PERMANENT"]
]

export const tablespaceNames: ReadonlyArray<string> = tablespaces.map(([name]) => name)
