/** Types that every database has in SYS, under public synonyms: lists of texts, numbers, dates and bytes. */
import type { CollectionType, SqlType } from "../values/dataTypes.ts"
import { DATE, NUMBER, raw, varchar2 } from "../values/sqlType.ts"

const list = (name: string, element: SqlType): readonly [string, CollectionType] => [
  name,
  { kind: "collection", owner: "SYS", package: undefined, name, form: "varray", element, limit: 32_767, key: undefined }
]

const types: ReadonlyMap<string, CollectionType> = new Map([
  list("ODCINUMBERLIST", NUMBER),
  list("ODCIVARCHAR2LIST", varchar2(4000)),
  list("ODCIDATELIST", DATE),
  list("ODCIRAWLIST", raw(2000))
])

export const systemType = (path: ReadonlyArray<string>): CollectionType | undefined =>
  path.length === 1 ? types.get(path[0]!) : path.length === 2 && path[0] === "SYS" ? types.get(path[1]!) : undefined
