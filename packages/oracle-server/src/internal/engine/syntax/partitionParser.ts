/** Parses PARTITION BY and what ALTER TABLE says of partitions. */
import { oraError } from "../values/oraError.ts"
import type { Expr, PartitionName } from "./ast.ts"
import type { PartitionAction, PartitioningSpec, PartitionSpec } from "./astPartitions.ts"
import { DmlParser } from "./dmlParser.ts"

export abstract class PartitionParser extends DmlParser {
  abstract physicalOption(): boolean

  #names(): ReadonlyArray<string> {
    this.expectOp("(")
    const names = this.commaList(() => this.name())
    this.expectOp(")")
    return names
  }

  /** A key of several columns stands in parentheses. */
  #keys(): ReadonlyArray<ReadonlyArray<Expr>> {
    this.expectOp("(")
    const keys = this.commaList((): ReadonlyArray<Expr> => {
      if (!this.isOp("(")) return [this.expr()]
      this.at++
      const key = this.commaList(() => this.expr())
      this.expectOp(")")
      return key
    })
    this.expectOp(")")
    return keys
  }

  #text(from: number): string {
    return this.sql.slice(from, this.tokens[this.at - 1]!.end).replace(/^\(\s*|\s*\)$/g, "")
  }

  /** `PARTITION p VALUES LESS THAN (…)`, with where it is kept. */
  partitionSpec(): PartitionSpec {
    const at = this.offset
    this.expectWord("PARTITION")
    const name = this.isName() && !this.isWord("VALUES") ? this.name() : undefined
    let lessThan: PartitionSpec["lessThan"]
    let values: PartitionSpec["values"]
    let text = ""
    if (this.takeWord("VALUES")) {
      const start = this.isWord("LESS") ? this.tokens[this.at + 2]!.start : this.offset
      if (this.takeWord("LESS", "THAN")) {
        this.expectOp("(")
        lessThan = this.commaList(() => this.takeWord("MAXVALUE") ? undefined : this.expr())
        this.expectOp(")")
      } else if (this.isOp("(") && this.isWord("DEFAULT", 1)) {
        this.at += 2
        this.expectOp(")")
        values = "default"
      } else values = this.#keys()
      text = this.#text(start)
    }
    while (this.physicalOption() || this.#lob());
    if (this.isOp("(")) throw this.unsupported("subpartitions")
    return { name, lessThan, values, text, at }
  }

  #lob(): boolean {
    if (!this.isWord("LOB") || !this.isOp("(", 1)) return false
    throw this.unsupported("LOB storage of a partition")
  }

  #storeIn(): void {
    if (this.takeWord("STORE", "IN")) this.#names()
  }

  partitioning(): PartitioningSpec {
    const at = this.offset
    this.expectWord("PARTITION", "BY")
    const method = (["RANGE", "LIST", "HASH"] as const).find((word) => this.takeWord(word))
    if (method === undefined) throw this.unsupported(`PARTITION BY ${this.token.text}`)
    const columns = this.#names()
    let interval: string | undefined
    let automatic = false
    if (this.takeWord("INTERVAL")) {
      const start = this.offset
      this.expectOp("(")
      this.expr()
      this.expectOp(")")
      interval = this.#text(start)
      this.#storeIn()
    } else if (this.takeWord("AUTOMATIC")) {
      automatic = true
      this.#storeIn()
    }
    if (this.isWord("SUBPARTITION")) throw this.unsupported("subpartitions")
    if (method === "HASH" && this.takeWord("PARTITIONS")) {
      const count = this.integer()
      this.#storeIn()
      const partitions = Array.from({ length: count }, (): PartitionSpec => ({
        name: undefined,
        lessThan: undefined,
        values: undefined,
        text: "",
        at
      }))
      return { method, columns, interval, automatic, partitions, at }
    }
    this.expectOp("(")
    const partitions = this.commaList(() => this.partitionSpec())
    this.expectOp(")")
    return { method, columns, interval, automatic, partitions, at }
  }

  #partitionName(): PartitionName {
    const at = this.offset
    if (!this.takeWord("FOR")) return { kind: "name", name: this.name(), at }
    this.expectOp("(")
    const key = this.commaList(() => this.expr())
    this.expectOp(")")
    return { kind: "for", key, at }
  }

  /** One or several after DROP, TRUNCATE and MERGE. */
  #partitionNames(): ReadonlyArray<PartitionName> {
    if (!this.takeWord("PARTITION") && !this.takeWord("PARTITIONS")) throw this.missingWord("PARTITION")
    return this.commaList(() => this.#partitionName())
  }

  #indexes(): void {
    while (
      this.takeWord("UPDATE", "GLOBAL", "INDEXES") || this.takeWord("UPDATE", "INDEXES") ||
      this.takeWord("INVALIDATE", "GLOBAL", "INDEXES") || this.takeWord("DROP", "STORAGE") ||
      this.takeWord("REUSE", "STORAGE") || this.takeWord("INCLUDING", "INDEXES") ||
      this.takeWord("EXCLUDING", "INDEXES") || this.takeWord("ONLINE")
    );
  }

  /** What ALTER TABLE does with partitions; undefined when it speaks of something else. */
  partitionAction(): PartitionAction | undefined {
    const isPartition = (distance: number): boolean =>
      this.isWord("PARTITION", distance) || this.isWord("PARTITIONS", distance)
    const at = this.offset
    if (this.isWord("ADD") && isPartition(1)) {
      this.at++
      const partitions = this.commaList(() => this.partitionSpec())
      this.#indexes()
      return { kind: "addPartition", partitions }
    }
    if ((this.isWord("DROP") || this.isWord("TRUNCATE")) && isPartition(1)) {
      const kind = this.isWord("DROP") ? "dropPartition" : "truncatePartition"
      this.at++
      const partitions = this.#partitionNames()
      this.#indexes()
      return { kind, partitions }
    }
    if (this.isWord("SPLIT") && isPartition(1)) {
      this.at += 2
      const partition = this.#partitionName()
      const start = this.tokens[this.at + 1]!.start
      let by: ReadonlyArray<ReadonlyArray<Expr>>
      if (this.takeWord("AT")) {
        this.expectOp("(")
        by = [this.commaList(() => this.expr())]
        this.expectOp(")")
      } else {
        this.expectWord("VALUES")
        by = this.#keys()
      }
      const text = this.#text(start)
      let into: readonly [string | undefined, string | undefined] = [undefined, undefined]
      if (this.takeWord("INTO")) {
        this.expectOp("(")
        const first = this.partitionSpec().name
        this.expectOp(",")
        into = [first, this.partitionSpec().name]
        this.expectOp(")")
      }
      this.#indexes()
      return { kind: "splitPartition", partition, by, into, text, at }
    }
    if (this.isWord("MERGE") && isPartition(1)) {
      this.at++
      const partitions = this.#partitionNames()
      const into = this.takeWord("INTO") ? this.partitionSpec().name : undefined
      this.#indexes()
      return { kind: "mergePartitions", partitions, into, at }
    }
    if (this.isWord("EXCHANGE") && isPartition(1)) {
      this.at += 2
      const partition = this.#partitionName()
      this.expectWord("WITH", "TABLE")
      const table = this.path()
      this.#indexes()
      const validation = !this.takeWord("WITHOUT", "VALIDATION")
      this.takeWord("WITH", "VALIDATION")
      this.#indexes()
      return { kind: "exchangePartition", partition, table, validation, at }
    }
    if (this.isWord("RENAME") && isPartition(1)) {
      this.at += 2
      const partition = this.#partitionName()
      this.expectWord("TO")
      return { kind: "renamePartition", partition, to: this.name() }
    }
    if (this.isWord("MODIFY") && isPartition(1)) {
      this.at += 2
      const partition = this.#partitionName()
      const add = this.takeWord("ADD")
      if (!add && !this.takeWord("DROP")) throw this.unsupported(`MODIFY PARTITION … ${this.token.text}`)
      this.expectWord("VALUES")
      return { kind: "partitionValues", partition, add, values: this.#keys() }
    }
    if (this.isWord("MOVE") && isPartition(1)) {
      this.at += 2
      this.#partitionName()
      while (this.physicalOption());
      this.#indexes()
      return { kind: "addPartition", partitions: [] }
    }
    if (this.takeWord("SET", "INTERVAL")) {
      const start = this.offset
      this.expectOp("(")
      if (!this.isOp(")")) this.expr()
      this.expectOp(")")
      const text = this.#text(start)
      return { kind: "setInterval", interval: text === "" ? undefined : text }
    }
    if (this.takeWord("ENABLE", "ROW", "MOVEMENT")) return { kind: "rowMovement", enabled: true }
    if (this.takeWord("DISABLE", "ROW", "MOVEMENT")) return { kind: "rowMovement", enabled: false }
    if (this.isWord("SPLIT") || this.isWord("COALESCE")) throw oraError(1735, "invalid ALTER TABLE option", at)
    return undefined
  }
}
