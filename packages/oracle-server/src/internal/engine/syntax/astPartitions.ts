/** The parsed form of what is said about partitions. */
import type { Expr, PartitionName } from "./ast.ts"

export interface PartitionSpec {
  readonly name: string | undefined
  /** VALUES LESS THAN: undefined for MAXVALUE. */
  readonly lessThan: ReadonlyArray<Expr | undefined> | undefined
  /** VALUES: keys, or DEFAULT. */
  readonly values: ReadonlyArray<ReadonlyArray<Expr>> | "default" | undefined
  readonly text: string
  readonly at: number
}

export interface PartitioningSpec {
  readonly method: "RANGE" | "LIST" | "HASH"
  readonly columns: ReadonlyArray<string>
  readonly interval: string | undefined
  readonly automatic: boolean
  readonly partitions: ReadonlyArray<PartitionSpec>
  readonly at: number
}

export type PartitionAction =
  | { readonly kind: "addPartition"; readonly partitions: ReadonlyArray<PartitionSpec> }
  | { readonly kind: "dropPartition" | "truncatePartition"; readonly partitions: ReadonlyArray<PartitionName> }
  | {
    readonly kind: "splitPartition"
    readonly partition: PartitionName
    /** AT for ranges, VALUES for lists. */
    readonly by: ReadonlyArray<ReadonlyArray<Expr>>
    readonly into: readonly [string | undefined, string | undefined]
    readonly text: string
    readonly at: number
  }
  | {
    readonly kind: "mergePartitions"
    readonly partitions: ReadonlyArray<PartitionName>
    readonly into: string | undefined
    readonly at: number
  }
  | {
    readonly kind: "exchangePartition"
    readonly partition: PartitionName
    readonly table: ReadonlyArray<string>
    readonly validation: boolean
    readonly at: number
  }
  | { readonly kind: "renamePartition"; readonly partition: PartitionName; readonly to: string }
  | {
    readonly kind: "partitionValues"
    readonly partition: PartitionName
    readonly add: boolean
    readonly values: ReadonlyArray<ReadonlyArray<Expr>>
  }
  | { readonly kind: "setInterval"; readonly interval: string | undefined }
  | { readonly kind: "rowMovement"; readonly enabled: boolean }
