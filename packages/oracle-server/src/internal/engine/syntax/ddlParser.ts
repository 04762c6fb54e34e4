/** Parses CREATE TABLE and ALTER TABLE. */
import { oraError } from "../values/oraError.ts"
import type { AlterTableAction, ColumnSpec, ConstraintName, ConstraintSpec, Ddl } from "./astDefinitions.ts"
import type { PartitioningSpec } from "./astPartitions.ts"
import { ColumnParser } from "./columnParser.ts"

export abstract class DdlParser extends ColumnParser {
  createTable(temporary: boolean): Ddl {
    const ifNotExists = this.takeIfNotExists()
    const at = this.offset
    const path = this.path()
    const columns: Array<ColumnSpec> = []
    const constraints: Array<ConstraintSpec> = []
    if (this.takeOp("(")) {
      do {
        const constraint = this.tableConstraint()
        if (constraint !== undefined) constraints.push(constraint)
        else columns.push(this.column(false))
      } while (this.takeOp(","))
      this.expectOp(")")
    } else if (this.isWord("OF")) throw this.unsupported("object tables")
    let onCommit: "delete" | "preserve" | undefined = temporary ? "delete" : undefined
    let partitioning: PartitioningSpec | undefined
    let rowMovement = false
    for (;;) {
      if (this.isWord("PARTITION") && this.isWord("BY", 1)) partitioning = this.partitioning()
      else if (this.takeWord("ENABLE", "ROW", "MOVEMENT")) rowMovement = true
      else if (this.takeWord("ON", "COMMIT")) {
        onCommit = this.takeWord("PRESERVE") ? "preserve" : "delete"
        if (onCommit === "delete") this.expectWord("DELETE")
        if (!this.takeWord("ROWS")) throw this.unsupported("ON COMMIT … DEFINITION")
        if (!temporary) throw oraError(14451, "unsupported feature with temporary table", this.offset)
      } else if (this.takeWord("NESTED", "TABLE")) {
        this.name()
        this.expectWord("STORE", "AS")
        this.name()
        if (this.isOp("(")) throw this.unsupported("clauses of a nested table's storage")
        if (this.takeWord("RETURN")) this.at += this.isWord("AS") ? 2 : 1
      } else if (this.takeWord("VARRAY")) {
        this.name()
        this.expectWord("STORE", "AS", "LOB")
        if (this.isName()) this.name()
      } else if (this.isWord("LOB") && this.isOp("(", 1)) this.#lobStorage()
      else if (!this.physicalOption()) break
    }
    const query = this.takeWord("AS") ? this.query() : undefined
    if (columns.length === 0 && query === undefined) {
      throw this.token.kind === "end"
        ? oraError(906, "missing left parenthesis", this.offset)
        : oraError(922, "missing or invalid option", this.offset)
    }
    return {
      kind: "createTable",
      path,
      columns,
      constraints,
      temporary: onCommit,
      query,
      ifNotExists,
      partitioning,
      rowMovement,
      at
    }
  }

  /** `LOB (c) STORE AS SECUREFILE name (…)`. */
  #lobStorage(): void {
    this.at++
    this.nameList()
    this.expectWord("STORE", "AS")
    if (!this.takeWord("SECUREFILE")) this.takeWord("BASICFILE")
    if (this.isName()) this.name()
    if (this.isOp("(")) this.#parenthesized()
  }

  #parenthesized(): void {
    let depth = 0
    do {
      if (this.token.kind === "end") throw oraError(907, "missing right parenthesis", this.offset)
      if (this.isOp("(")) depth++
      if (this.isOp(")")) depth--
      this.at++
    } while (depth > 0)
  }

  alterTable(): Ddl {
    const at = this.offset
    const path = this.path()
    const actions: Array<AlterTableAction> = []
    while (this.token.kind === "word") {
      const partition = this.partitionAction()
      if (partition !== undefined) actions.push({ kind: "partitions", action: partition })
      else if (this.takeWord("ADD")) this.#alterAdd(actions)
      else if (this.takeWord("MODIFY")) {
        const constraint = this.#namedConstraint()
        if (constraint !== undefined) {
          actions.push({ kind: "constraintState", constraint, terms: this.constraintState(), cascade: this.#cascade() })
        } else if (this.takeOp("(")) {
          actions.push({ kind: "modifyColumns", columns: this.commaList(() => this.column(true)) })
          this.expectOp(")")
        } else actions.push({ kind: "modifyColumns", columns: [this.column(true)] })
      } else if (this.takeWord("DROP")) this.#alterDrop(actions)
      else if (this.takeWord("RENAME")) {
        if (this.takeWord("COLUMN")) {
          const from = this.name()
          this.expectWord("TO")
          actions.push({ kind: "renameColumn", from, to: this.name() })
        } else if (this.takeWord("CONSTRAINT")) {
          const from = this.name()
          this.expectWord("TO")
          actions.push({ kind: "renameConstraint", from, to: this.name() })
        } else {
          this.expectWord("TO")
          actions.push({ kind: "renameTable", to: this.name() })
        }
      } else if (this.takeWord("ENABLE", "ALL", "TRIGGERS")) actions.push({ kind: "triggers", enabled: true })
      else if (this.takeWord("DISABLE", "ALL", "TRIGGERS")) actions.push({ kind: "triggers", enabled: false })
      else if (this.isWord("ENABLE") || this.isWord("DISABLE")) this.#switchConstraint(actions)
      else if (this.takeWord("READ", "ONLY")) actions.push({ kind: "readOnly", readOnly: true })
      else if (this.takeWord("READ", "WRITE")) actions.push({ kind: "readOnly", readOnly: false })
      else if (this.takeWord("SET", "UNUSED")) {
        const names = this.takeWord("COLUMN") ? [this.name()] : this.nameList()
        actions.push({ kind: "dropColumns", names })
        if (this.takeWord("CASCADE")) this.takeWord("CONSTRAINTS")
      } else if (this.takeWord("MOVE") || this.takeWord("SHRINK", "SPACE") || this.physicalOption()) {
        while (this.physicalOption());
        actions.push({ kind: "storage" })
      } else throw this.unsupported(`ALTER TABLE ${this.token.text}`)
    }
    if (actions.length === 0) throw oraError(2210, "no options specified for ALTER TABLE", this.offset)
    return { kind: "alterTable", path, actions, at }
  }

  #cascade(): boolean {
    return this.takeWord("CASCADE")
  }

  /** A constraint by its name or by what it is. */
  #namedConstraint(): ConstraintName | undefined {
    const at = this.offset
    if (this.takeWord("CONSTRAINT")) return { kind: "name", name: this.name(), at }
    if (this.takeWord("PRIMARY", "KEY")) return { kind: "primary", at }
    if (this.isWord("UNIQUE") && this.isOp("(", 1)) {
      this.at++
      return { kind: "unique", columns: this.nameList(), at }
    }
    return undefined
  }

  /** `ENABLE NOVALIDATE CONSTRAINT c`, `DISABLE PRIMARY KEY CASCADE`. */
  #switchConstraint(actions: Array<AlterTableAction>): void {
    const enabled = this.isWord("ENABLE")
    this.at++
    let validated: boolean | undefined
    if (this.takeWord("NOVALIDATE")) validated = false
    else if (this.takeWord("VALIDATE")) validated = true
    const constraint = this.#namedConstraint()
    if (constraint === undefined) {
      if (this.takeWord("TABLE", "LOCK")) {
        actions.push({ kind: "storage" })
        return
      }
      throw this.unsupported(`ALTER TABLE ${enabled ? "ENABLE" : "DISABLE"} ${this.token.text}`)
    }
    const { exceptions, rely } = this.constraintState()
    const terms = { deferrable: undefined, initiallyDeferred: undefined, enabled, validated, rely, exceptions }
    const cascade = this.#cascade()
    if (this.takeWord("KEEP", "INDEX") || this.takeWord("DROP", "INDEX")) {
      // The index of a disabled key is of no use to anything here.
    }
    actions.push({ kind: "constraintState", constraint, terms, cascade })
  }

  #alterAdd(actions: Array<AlterTableAction>): void {
    const constraint = this.tableConstraint()
    if (constraint !== undefined) {
      actions.push({ kind: "addConstraint", constraint })
      return
    }
    this.takeWord("COLUMN")
    if (!this.takeOp("(")) {
      actions.push({ kind: "addColumns", columns: [this.column(false)] })
      return
    }
    do {
      const inner = this.tableConstraint()
      actions.push(
        inner === undefined
          ? { kind: "addColumns", columns: [this.column(false)] }
          : { kind: "addConstraint", constraint: inner }
      )
    } while (this.takeOp(","))
    this.expectOp(")")
  }

  #alterDrop(actions: Array<AlterTableAction>): void {
    if (this.takeWord("CONSTRAINT")) actions.push({ kind: "dropConstraint", name: this.name(), primary: false })
    else if (this.takeWord("PRIMARY", "KEY")) actions.push({ kind: "dropConstraint", name: undefined, primary: true })
    else if (this.takeWord("COLUMN")) actions.push({ kind: "dropColumns", names: [this.name()] })
    else if (this.isOp("(")) actions.push({ kind: "dropColumns", names: this.nameList() })
    else throw this.unsupported(`ALTER TABLE DROP ${this.token.text}`)
    this.takeWord("CASCADE")
    this.takeWord("CONSTRAINTS")
  }
}
