/** A row as tables keep it: its number first, then its values. */
import type { Stored } from "../values/composite.ts"

export type Row = Array<Stored>
