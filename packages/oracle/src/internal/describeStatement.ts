/** What a statement is and gives, asked of the database without running it. */
import type { ColumnMetadata, StatementInfo } from "./oracledb.ts"

/** Kinds of statements, by the driver's numbers. */
const kinds = new Map(
  [
    [1, "select"],
    [2, "update"],
    [3, "delete"],
    [4, "insert"],
    [5, "create"],
    [6, "drop"],
    [7, "alter"],
    [8, "begin"],
    [9, "declare"],
    [10, "call"],
    [15, "explain plan"],
    [16, "merge"],
    [17, "rollback"],
    [21, "commit"]
  ] as const
)

/** A kind of statement; `"other"` where the driver does not tell. */
type StatementKind = (typeof kinds extends Map<number, infer Kind extends string> ? Kind : never) | "other"

/**
 * A column that a query gives.
 *
 * **Details**
 *
 * `type` is the driver's name of its type, such as `"DB_TYPE_NUMBER"`. What does not apply to the type is `undefined`. `annotations` and the
 * domain are those of 23ai.
 *
 * **Example** (Columns that may be NULL)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const nullable = (columns: ReadonlyArray<OracleConnection.DescribedColumn>) =>
 *   columns.filter((column) => column.nullable).map((column) => column.name)
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface DescribedColumn {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  /** The most bytes of a value. */
  readonly byteSize: number | undefined
  readonly precision: number | undefined
  readonly scale: number | undefined
  readonly isJson: boolean
  /** The name of its object type. */
  readonly typeName: string | undefined
  readonly annotations: Readonly<Record<string, string>> | undefined
  readonly domain: string | undefined
}

/**
 * What a statement is: its kind, the columns of a query, the names of its placeholders.
 *
 * **Example** (Whether it has rows)
 *
 * ```ts
 * import type { OracleConnection } from "@sessionpool/oracle"
 *
 * const hasRows = ({ columns }: OracleConnection.StatementDescription) => columns.length > 0
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface StatementDescription {
  readonly kind: StatementKind
  readonly columns: ReadonlyArray<DescribedColumn>
  /** Without colons; each name once. */
  readonly placeholders: ReadonlyArray<string>
}

const described = (column: ColumnMetadata): DescribedColumn => ({
  name: column.name,
  type: column.dbType.name,
  nullable: column.nullable === true,
  byteSize: column.byteSize,
  precision: column.precision,
  scale: column.scale,
  isJson: column.isJson === true,
  typeName: column.dbTypeClass?.prototype.fqn,
  annotations: column.annotations,
  domain: column.domainName === undefined ? undefined : `${column.domainSchema ?? ""}.${column.domainName}`
})

/** The driver's answer in our words. */
export const description = (info: StatementInfo): StatementDescription => ({
  kind: (kinds as ReadonlyMap<number, StatementKind>).get(info.statementType ?? 0) ?? "other",
  columns: (info.metaData ?? []).map(described),
  placeholders: info.bindNames ?? []
})
