/**
 * What the catalog says of tables, columns, views, sequences and users in the views of the dictionary: a row as its values by column, absent
 * ones being null. Constraints, indexes, units and types have files of their own.
 */
import type { CatalogObject, Table } from "../catalog/catalog.ts"
import type { Unit } from "../catalog/units.ts"
import { userId } from "../functions/sessionFunctions.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { kindOf, shortName } from "../values/sqlType.ts"
import type { Core } from "./core.ts"

export type Cell = string | number | null
export interface DictionaryRow {
  readonly [column: string]: Cell | undefined
}

const yes = (holds: boolean): string => holds ? "YES" : "NO"
export const y = (holds: boolean): string => holds ? "Y" : "N"

export const tables = (core: Core): ReadonlyArray<Table> =>
  [...core.catalog.tables()].sort((a, b) => a.name < b.name ? -1 : 1)

const objects = <Kind extends CatalogObject["kind"]>(core: Core, kind: Kind) =>
  [...core.catalog.objects.values()].filter((object): object is Extract<CatalogObject, { kind: Kind }> =>
    object.kind === kind
  )

export const tableRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  tables(core).map((table) => ({
    OWNER: table.owner,
    TABLE_NAME: table.name,
    TABLESPACE_NAME: table.temporary === undefined ? "USERS" : null,
    STATUS: "VALID",
    LOGGING: yes(table.temporary === undefined),
    BACKED_UP: "N",
    DEGREE: "         1",
    INSTANCES: "         1",
    CACHE: "    N",
    TABLE_LOCK: "ENABLED",
    PARTITIONED: yes(table.partitioning !== undefined),
    TEMPORARY: y(table.temporary !== undefined),
    SECONDARY: "N",
    NESTED: "NO",
    ROW_MOVEMENT: table.partitioning?.rowMovement === true ? "ENABLED" : "DISABLED",
    DURATION: table.temporary === "preserve" ? "SYS$SESSION" : table.temporary === "delete" ? "SYS$TRANSACTION" : null,
    MONITORING: "YES",
    DEPENDENCIES: "DISABLED",
    COMPRESSION: "DISABLED",
    DROPPED: "NO",
    READ_ONLY: "NO",
    SEGMENT_CREATED: yes(table.temporary === undefined),
    HAS_IDENTITY: yes(table.columns.some((column) => column.identity !== undefined)),
    EXTERNAL: "NO",
    HYBRID: "NO",
    INMEMORY: "DISABLED",
    DEFAULT_COLLATION: "USING_NLS_COMP",
    DUPLICATED: "N",
    SHARDED: "N"
  }))

export const columnLength = (type: SqlType): number => {
  const kind = kindOf(type)
  return kind === "c" || kind === "r" ? type.size : kind === "n" ? 22 : kind === "d" ? 7 : 11
}

interface ColumnFacts {
  readonly name: string
  readonly type: SqlType
  readonly nullable: boolean
}

/** What the columns of tables and of views have in common. */
const columnFacts = (owner: string, relation: string, column: ColumnFacts, index: number): DictionaryRow => {
  const { type } = column
  const kind = kindOf(type)
  const isNumber = kind === "n" && type.precision > 0
  const isText = kind === "c"
  return {
    OWNER: owner,
    TABLE_NAME: relation,
    COLUMN_NAME: column.name,
    DATA_TYPE: type.composite === undefined ? shortName(type) : type.composite.name,
    DATA_TYPE_OWNER: type.composite?.owner ?? null,
    DATA_LENGTH: columnLength(type),
    DATA_PRECISION: isNumber ? type.precision : null,
    DATA_SCALE: isNumber && type.scale === -127
      ? null
      : isNumber || ["t", "z", "l", "s"].includes(kind)
      ? type.scale
      : null,
    NULLABLE: y(column.nullable),
    COLUMN_ID: index + 1,
    CHARACTER_SET_NAME: isText ? (type.name.startsWith("N") ? "NCHAR_CS" : "CHAR_CS") : null,
    CHAR_COL_DECL_LENGTH: isText ? (type.name.startsWith("N") ? type.chars : type.size) : null,
    CHAR_LENGTH: isText ? (type.chars > 0 ? type.chars : type.size) : 0,
    CHAR_USED: isText ? (type.chars > 0 ? "C" : "B") : null,
    V80_FMT_IMAGE: "NO",
    DATA_UPGRADED: "YES",
    HIDDEN_COLUMN: "NO",
    VIRTUAL_COLUMN: "NO",
    SEGMENT_COLUMN_ID: index + 1,
    INTERNAL_COLUMN_ID: index + 1,
    HISTOGRAM: "NONE",
    QUALIFIED_COL_NAME: column.name,
    USER_GENERATED: "YES",
    DEFAULT_ON_NULL: "NO",
    IDENTITY_COLUMN: "NO",
    COLLATION: isText ? "USING_NLS_COMP" : null
  }
}

/** Columns of JSON, by their type or by a check. */
export const jsonColumnRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  tables(core).flatMap((table) =>
    table.columns.filter(({ isJson, type }) => isJson || type.name === "JSON").map(({ name, type }): DictionaryRow => ({
      OWNER: table.owner,
      TABLE_NAME: table.name,
      OBJECT_TYPE: "TABLE",
      COLUMN_NAME: name,
      FORMAT: type.name === "JSON" ? "OSON" : "TEXT",
      DATA_TYPE: type.name
    }))
  )

export const columnRows = (core: Core): ReadonlyArray<DictionaryRow> => [
  ...tables(core).flatMap((table) =>
    table.columns.map((column, index): DictionaryRow => ({
      ...columnFacts(table.owner, table.name, column, index),
      DEFAULT_LENGTH: column.defaultText?.length ?? null,
      DATA_DEFAULT: column.defaultText ?? null,
      VIRTUAL_COLUMN: yes(column.virtual !== undefined),
      HIDDEN_COLUMN: yes(column.invisible),
      COLUMN_ID: column.invisible ? null : table.columns.slice(0, index + 1).filter((one) => !one.invisible).length,
      DEFAULT_ON_NULL: yes(column.defaultOnNull),
      IDENTITY_COLUMN: yes(column.identity !== undefined)
    }))
  ),
  ...objects(core, "view").flatMap((view) =>
    view.described.map((column, index) => columnFacts(view.owner, view.name, column, index))
  )
]

export const identityRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  tables(core).flatMap((table) =>
    table.columns.flatMap(({ identity, name }): ReadonlyArray<DictionaryRow> =>
      identity === undefined ? [] : [{
        OWNER: table.owner,
        TABLE_NAME: table.name,
        COLUMN_NAME: name,
        GENERATION_TYPE: identity.mode === "always" ? "ALWAYS" : "BY DEFAULT",
        SEQUENCE_NAME: identity.sequence.name,
        IDENTITY_OPTIONS: [
          `START WITH: ${identity.sequence.increment < 0n ? identity.sequence.max : identity.sequence.min}`,
          `INCREMENT BY: ${identity.sequence.increment}`,
          `MAX_VALUE: ${identity.sequence.max}`,
          `MIN_VALUE: ${identity.sequence.min}`,
          `CYCLE_FLAG: ${y(identity.sequence.cycle)}`,
          `CACHE_SIZE: ${identity.sequence.cache}`,
          `ORDER_FLAG: ${y(identity.sequence.order)}`,
          "SCALE_FLAG: N",
          "EXTEND_FLAG: N",
          "SESSION_FLAG: N",
          "KEEP_VALUE: N"
        ].join(", ")
      }]
    )
  )

/** The stored units, each with the number of its object. */
export const units = (core: Core): ReadonlyArray<{ readonly unit: Unit; readonly id: number }> =>
  [...core.catalog.objects.values(), ...core.catalog.triggers.values()].flatMap((object) => {
    if (object.kind === "package" || object.kind === "type") {
      const spec = object.spec.isAbsent ? [] : [{ unit: object.spec, id: object.id }]
      return object.body === undefined ? spec : [...spec, { unit: object.body, id: object.bodyId }]
    }
    return object.kind === "procedure" || object.kind === "trigger" ? [{ unit: object.unit, id: object.id }] : []
  })

/** Bodies and triggers have names of their own. */
const namespaces: Readonly<Record<string, number>> = { "PACKAGE BODY": 2, "TYPE BODY": 2, TRIGGER: 3 }

export const objectRows = (core: Core): ReadonlyArray<DictionaryRow> => {
  const common = {
    STATUS: "VALID",
    TEMPORARY: "N",
    GENERATED: "N",
    SECONDARY: "N",
    NAMESPACE: 1,
    ORACLE_MAINTAINED: "N"
  }
  const stored = units(core).map(({ id, unit }): DictionaryRow => ({
    ...common,
    OWNER: unit.owner,
    OBJECT_NAME: unit.name,
    OBJECT_ID: id,
    OBJECT_TYPE: unit.type,
    STATUS: unit.valid ? "VALID" : "INVALID",
    NAMESPACE: namespaces[unit.type] ?? 1,
    EDITIONABLE: "Y"
  }))
  const isStored = ({ kind }: CatalogObject): boolean => kind === "procedure" || kind === "package" || kind === "type"
  const plain = [...core.catalog.objects.values()].filter((object) => !isStored(object))
  return plain.flatMap((object): ReadonlyArray<DictionaryRow> => [
    {
      ...common,
      OWNER: object.owner,
      OBJECT_NAME: object.name,
      OBJECT_ID: object.id,
      DATA_OBJECT_ID: object.kind === "table" ? object.id : null,
      OBJECT_TYPE: object.kind.toUpperCase(),
      TEMPORARY: y(object.kind === "table" && object.temporary !== undefined)
    },
    ...(object.kind === "table" && object.materialized !== undefined
      ? [{
        ...common,
        OWNER: object.owner,
        OBJECT_NAME: object.name,
        OBJECT_ID: object.id,
        OBJECT_TYPE: "MATERIALIZED VIEW",
        NAMESPACE: 19
      }]
      : []),
    ...(object.kind === "table"
      ? [...object.keys.map((key) => key.indexName), ...object.indexes.map((index) => index.name)].map((name) => ({
        ...common,
        OWNER: object.owner,
        OBJECT_NAME: name,
        OBJECT_ID: object.id,
        OBJECT_TYPE: "INDEX",
        NAMESPACE: 4
      }))
      : [])
  ]).concat(stored)
}

export const tableCommentRows = (core: Core): ReadonlyArray<DictionaryRow> => [
  ...tables(core).map((table) => ({
    OWNER: table.owner,
    TABLE_NAME: table.name,
    TABLE_TYPE: "TABLE",
    COMMENTS: table.comment ?? null
  })),
  ...objects(core, "view").map((view) => ({ OWNER: view.owner, TABLE_NAME: view.name, TABLE_TYPE: "VIEW" }))
]

export const columnCommentRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  tables(core).flatMap((table) =>
    table.columns.map((column) => ({
      OWNER: table.owner,
      TABLE_NAME: table.name,
      COLUMN_NAME: column.name,
      COMMENTS: column.comment ?? null
    }))
  )

export const sequenceRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  objects(core, "sequence").map((sequence) => ({
    SEQUENCE_OWNER: sequence.owner,
    SEQUENCE_NAME: sequence.name,
    MIN_VALUE: String(sequence.min),
    MAX_VALUE: String(sequence.max),
    INCREMENT_BY: String(sequence.increment),
    CYCLE_FLAG: y(sequence.cycle),
    ORDER_FLAG: y(sequence.order),
    CACHE_SIZE: sequence.cache,
    LAST_NUMBER: String(sequence.next),
    SCALE_FLAG: "N",
    EXTEND_FLAG: "N",
    SESSION_FLAG: "N",
    KEEP_VALUE: "N"
  }))

export const viewRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  objects(core, "view").map((view) => ({
    OWNER: view.owner,
    VIEW_NAME: view.name,
    TEXT_LENGTH: view.text.length,
    TEXT: view.text,
    TEXT_VC: view.text.slice(0, 4000),
    READ_ONLY: "N",
    EDITIONING_VIEW: "N",
    BEQUEATH: "DEFINER"
  }))

export const synonymRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  objects(core, "synonym").map((synonym) => ({
    OWNER: synonym.owner,
    SYNONYM_NAME: synonym.name,
    TABLE_OWNER: synonym.target.length > 1 ? synonym.target[0]! : synonym.owner,
    TABLE_NAME: synonym.target.at(-1)!
  }))

const maintained: ReadonlySet<string> = new Set(["SYS", "SYSTEM", "PUBLIC"])

export const userRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  [...core.catalog.schemas].filter((name) => name !== "PUBLIC").map((name) => {
    const user = core.accounts.users.get(name)
    return {
      USERNAME: name,
      USER_ID: userId(name),
      CREATED: user?.created ?? null,
      ACCOUNT_STATUS: core.host.accounts.status(name),
      DEFAULT_TABLESPACE: user?.defaultTablespace ?? "SYSTEM",
      TEMPORARY_TABLESPACE: user?.temporaryTablespace ?? "TEMP",
      PROFILE: user?.profile ?? "DEFAULT",
      AUTHENTICATION_TYPE: "PASSWORD",
      COMMON: yes(maintained.has(name)),
      ORACLE_MAINTAINED: y(maintained.has(name)),
      INHERITED: "NO",
      DEFAULT_COLLATION: "USING_NLS_COMP",
      IMPLICIT: "NO",
      ALL_SHARD: "NO"
    }
  })
