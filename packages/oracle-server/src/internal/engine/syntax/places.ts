/** The place of an offset as PL/SQL errors give it: line and column from 1. */
export const lineAndColumn = (sql: string, offset: number): readonly [number, number] => {
  const before = sql.slice(0, offset).split("\n")
  return [before.length, before.at(-1)!.length + 1]
}
