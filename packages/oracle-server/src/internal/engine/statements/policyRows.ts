/** The policies of DBMS_RLS in the dictionary. */
import type { Core } from "./core.ts"
import type { DictionaryRow } from "./dictionaryRows.ts"

const yes = (holds: boolean): string => holds ? "YES" : "NO"

export const policyRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  core.policies.all().map(({ enabled, functionPath, name, object, statements, type, updateCheck }) => {
    const [owner, table] = object.split(".") as [string, string]
    return {
      OBJECT_OWNER: owner,
      OBJECT_NAME: table,
      POLICY_GROUP: "SYS_DEFAULT",
      POLICY_NAME: name,
      PF_OWNER: functionPath[0]!,
      PACKAGE: functionPath.length > 2 ? functionPath[1]! : null,
      FUNCTION: functionPath.at(-1)!,
      SEL: yes(statements.has("SELECT")),
      INS: yes(statements.has("INSERT")),
      UPD: yes(statements.has("UPDATE")),
      DEL: yes(statements.has("DELETE")),
      IDX: "NO",
      CHK_OPTION: yes(updateCheck),
      ENABLE: yes(enabled),
      STATIC_POLICY: yes(type.endsWith("STATIC")),
      POLICY_TYPE: type,
      LONG_PREDICATE: "NO",
      COMMON: "NO",
      INHERITED: "NO"
    }
  })

/** The columns that policies protect. */
export const policyColumnRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  core.policies.all().flatMap(({ columns, masks, name, object }) => {
    const [owner, table] = object.split(".") as [string, string]
    return [...columns ?? []].map((column) => ({
      OBJECT_OWNER: owner,
      OBJECT_NAME: table,
      POLICY_GROUP: "SYS_DEFAULT",
      POLICY_NAME: name,
      SEC_REL_COLUMN: column,
      COLUMN_OPTION: masks ? "ALL_ROWS" : "NONE",
      COMMON: "NO",
      INHERITED: "NO"
    }))
  })
