/** Parses what tables are defined of: columns, constraints, options of sequences and of storage. */
import { oraError } from "../values/oraError.ts"
import type { Expr } from "./ast.ts"
import type { ColumnSpec, ConstraintSpec, ConstraintTerms, SequenceOptions } from "./astDefinitions.ts"
import { PartitionParser } from "./partitionParser.ts"

export abstract class ColumnParser extends PartitionParser {
  /** Clauses about storage change no answer and are read over; partitioning changes none either, but is refused. */
  physicalOption(): boolean {
    if (this.isWord("PARTITION") || this.isWord("ORGANIZATION") || this.isWord("CLUSTER")) {
      if (this.takeWord("ORGANIZATION", "HEAP") || this.takeWord("ORGANIZATION", "INDEX")) return true
      throw this.unsupported(`${this.token.text} clause of CREATE TABLE`)
    }
    const one = [
      "LOGGING",
      "NOLOGGING",
      "CACHE",
      "NOCACHE",
      "NOCOMPRESS",
      "COMPRESS",
      "NOPARALLEL",
      "ONLINE",
      "COMPUTE",
      "STATISTICS",
      "REVERSE",
      "LOCAL",
      "MONITORING",
      "NOMONITORING",
      "INVISIBLE",
      "VISIBLE"
    ]
    if (this.token.kind === "word" && one.includes(this.token.text)) {
      this.at++
      return true
    }
    if (this.takeWord("SEGMENT", "CREATION")) {
      this.at++
      return true
    }
    for (const word of ["TABLESPACE", "PCTFREE", "PCTUSED", "INITRANS", "MAXTRANS", "PARALLEL", "ROWDEPENDENCIES"]) {
      if (!this.takeWord(word)) continue
      if (this.token.kind === "number" || (word === "TABLESPACE" && this.isName())) this.at++
      return true
    }
    if (this.isWord("ENABLE") && this.isWord("ROW", 1)) {
      this.at += 3
      return true
    }
    if (this.takeWord("STORAGE")) {
      this.expectOp("(")
      while (!this.takeOp(")")) {
        if (this.token.kind === "end") throw oraError(907, "missing right parenthesis", this.offset)
        this.at++
      }
      return true
    }
    return false
  }

  #constraintName(): string | undefined {
    return this.takeWord("CONSTRAINT") ? this.name() : undefined
  }

  nameList(): Array<string> {
    this.expectOp("(")
    const names = this.commaList(() => this.name())
    this.expectOp(")")
    return names
  }

  #isConstraintStart(): boolean {
    // A column may have that name, too.
    if (this.isWord("CONSTRAINT")) return this.peek(2).kind === "word"
    if (this.isWord("PRIMARY") && this.isWord("KEY", 1)) return true
    if (this.isWord("FOREIGN") && this.isWord("KEY", 1)) return true
    return (this.isWord("UNIQUE") || this.isWord("CHECK")) && this.isOp("(", 1)
  }

  tableConstraint(): ConstraintSpec | undefined {
    if (!this.#isConstraintStart()) return undefined
    const at = this.offset
    const name = this.#constraintName()
    const base = {
      name,
      columns: [],
      references: undefined,
      onDelete: undefined,
      check: undefined,
      checkText: undefined,
      at
    }
    if (this.takeWord("PRIMARY")) {
      this.expectWord("KEY")
      const columns = this.nameList()
      return { ...base, type: "primary", columns, terms: this.constraintState() }
    }
    if (this.takeWord("UNIQUE")) {
      const columns = this.nameList()
      return { ...base, type: "unique", columns, terms: this.constraintState() }
    }
    if (this.takeWord("FOREIGN")) {
      this.expectWord("KEY")
      const columns = this.nameList()
      return { ...base, type: "foreign", columns, ...this.#references(), terms: this.constraintState() }
    }
    if (this.isWord("CHECK")) return { ...base, type: "check", ...this.#check(), terms: this.constraintState() }
    throw oraError(904, "invalid identifier", this.offset)
  }

  #references(): Pick<ConstraintSpec, "references" | "onDelete"> {
    this.expectWord("REFERENCES")
    const at = this.offset
    const table = this.path()
    const columns = this.isOp("(") ? this.nameList() : []
    let onDelete: ConstraintSpec["onDelete"]
    if (this.takeWord("ON")) {
      this.expectWord("DELETE")
      onDelete = this.takeWord("CASCADE") ? "cascade" : "set null"
      if (onDelete === "set null") this.expectWord("SET", "NULL")
    }
    return { references: { table, columns, at }, onDelete }
  }

  #check(): { readonly check: Expr; readonly checkText: string } {
    this.expectWord("CHECK")
    this.expectOp("(")
    const start = this.offset
    const check = this.expr()
    const checkText = this.sql.slice(start, this.tokens[this.at - 1]!.end)
    this.expectOp(")")
    return { check, checkText }
  }

  /** What a constraint says of when it is enforced. A disabled one is not validated, unless the text says so. */
  constraintState(): ConstraintTerms {
    const terms: { -readonly [Key in keyof ConstraintTerms]: ConstraintTerms[Key] } = {
      deferrable: undefined,
      initiallyDeferred: undefined,
      enabled: undefined,
      validated: undefined,
      rely: undefined,
      exceptions: undefined
    }
    for (;;) {
      if (this.takeWord("DEFERRABLE")) terms.deferrable = true
      else if (this.takeWord("NOT", "DEFERRABLE")) terms.deferrable = false
      else if (this.takeWord("INITIALLY", "DEFERRED")) {
        if (terms.deferrable === false) {
          throw oraError(2447, "cannot defer a constraint that is not deferrable", this.offset)
        }
        terms.deferrable = true
        terms.initiallyDeferred = true
      } else if (this.takeWord("INITIALLY", "IMMEDIATE")) terms.initiallyDeferred = false
      else if (this.takeWord("RELY")) terms.rely = true
      else if (this.takeWord("NORELY")) terms.rely = false
      else if (this.isWord("ENABLE") && !this.isWord("ROW", 1)) {
        this.at++
        terms.enabled = true
      } else if (this.isWord("DISABLE") && !this.isWord("ROW", 1)) {
        this.at++
        terms.enabled = false
      } else if (this.takeWord("VALIDATE")) terms.validated = true
      else if (this.takeWord("NOVALIDATE")) terms.validated = false
      else if (this.takeWord("EXCEPTIONS", "INTO")) terms.exceptions = { at: this.offset, path: this.path() }
      else if (this.takeWord("USING", "INDEX")) {
        if (this.isOp("(")) throw this.unsupported("USING INDEX (…)")
        if (
          this.isName() &&
          !["TABLESPACE", "PCTFREE", "STORAGE", "ENABLE", "DISABLE", "ONLINE", "LOCAL"].includes(this.token.text)
        ) this.path()
        while (this.physicalOption());
      } else return terms
    }
  }

  column(modify: boolean): ColumnSpec {
    const at = this.offset
    const name = this.name(904, "invalid identifier")
    const next = this.token
    const stops = [
      "DEFAULT",
      "NOT",
      "NULL",
      "GENERATED",
      "CONSTRAINT",
      "PRIMARY",
      "UNIQUE",
      "CHECK",
      "REFERENCES",
      "AS",
      "INVISIBLE",
      "VISIBLE"
    ]
    const hasType = (next.kind === "word" && !stops.includes(next.text)) || next.kind === "quoted"
    // CREATE TABLE t (a, b) AS SELECT: the query has the types.
    const isBare = next.kind === "op" && (next.text === "," || next.text === ")")
    if (!hasType && !modify && !isBare && !["GENERATED", "AS"].includes(next.text)) {
      throw oraError(2263, "need to specify the datatype for this column", at)
    }
    const type = hasType ? this.typeSpec() : undefined
    let defaultExpr: Expr | undefined
    let defaultText: string | undefined
    let defaultOnNull = false
    let identity: ColumnSpec["identity"]
    let virtual: Expr | undefined
    let nullable: boolean | undefined
    let visible: boolean | undefined
    const constraints: Array<ConstraintSpec> = []
    for (;;) {
      const here = this.offset
      if (this.takeWord("DEFAULT")) {
        if (this.takeWord("ON", "NULL")) {
          defaultOnNull = true
          nullable = false
          if (this.takeWord("FOR")) throw this.unsupported("DEFAULT ON NULL FOR")
        }
        const start = this.offset
        defaultExpr = this.sum()
        defaultText = this.sql.slice(start, this.tokens[this.at - 1]!.end)
        continue
      }
      if (this.isWord("GENERATED") || (this.isWord("AS") && this.isOp("(", 1))) {
        let mode: "always" | "default" | "onnull" = "always"
        if (this.takeWord("GENERATED")) {
          if (this.takeWord("BY")) {
            this.expectWord("DEFAULT")
            mode = this.takeWord("ON", "NULL") ? "onnull" : "default"
          } else this.takeWord("ALWAYS")
        }
        this.expectWord("AS")
        if (this.takeWord("IDENTITY")) {
          let sequence = this.sequenceOptions()
          if (this.takeOp("(")) {
            sequence = this.sequenceOptions()
            this.expectOp(")")
          }
          identity = { mode, sequence }
          nullable = false
        } else {
          this.expectOp("(")
          virtual = this.expr()
          this.expectOp(")")
          this.takeWord("VIRTUAL")
        }
        continue
      }
      if (this.isWord("INVISIBLE") || this.isWord("VISIBLE")) {
        visible = this.isWord("VISIBLE")
        this.at++
        continue
      }
      for (const word of ["ANNOTATIONS", "COLLATE", "DOMAIN", "ENCRYPT", "RESERVABLE"]) {
        if (this.isWord(word)) throw this.unsupported(`${word} of a column`)
      }
      const constraintName = this.#constraintName()
      const base = {
        name: constraintName,
        columns: [name],
        references: undefined,
        onDelete: undefined,
        check: undefined,
        checkText: undefined,
        at: here
      }
      if (this.takeWord("NOT", "NULL")) {
        nullable = false
        const terms = this.constraintState()
        if (terms.deferrable === true || terms.enabled === false) {
          // It is enforced as the condition that it is.
          nullable = undefined
          const check: Expr = {
            kind: "is",
            arg: { kind: "name", path: [name], outer: false, at: here },
            what: "null",
            not: true,
            at: here
          } as Expr
          constraints.push({ ...base, type: "check", check, checkText: `"${name}" IS NOT NULL`, terms })
        } else if (constraintName !== undefined) constraints.push({ ...base, type: "notnull", terms })
      } else if (this.takeWord("NULL")) nullable = true
      else if (this.takeWord("PRIMARY")) {
        this.expectWord("KEY")
        constraints.push({ ...base, type: "primary", terms: this.constraintState() })
      } else if (this.takeWord("UNIQUE")) {
        constraints.push({ ...base, type: "unique", terms: this.constraintState() })
      } else if (this.isWord("CHECK")) {
        constraints.push({ ...base, type: "check", ...this.#check(), terms: this.constraintState() })
      } else if (this.isWord("REFERENCES")) {
        constraints.push({ ...base, type: "foreign", ...this.#references(), terms: this.constraintState() })
      } else if (constraintName !== undefined) throw oraError(905, "missing keyword", this.offset)
      else break
    }
    return {
      name,
      type,
      default: defaultExpr,
      defaultText,
      defaultOnNull,
      identity,
      virtual,
      nullable,
      visible,
      constraints,
      at
    }
  }

  sequenceOptions(): SequenceOptions {
    const options = {
      start: undefined,
      increment: undefined,
      min: undefined,
      max: undefined,
      cycle: undefined,
      cache: undefined,
      order: undefined,
      restart: false
    } as {
      -readonly [K in keyof SequenceOptions]: SequenceOptions[K]
    }
    const value = (): string => {
      const negative = this.takeOp("-")
      const token = this.token
      if (token.kind !== "number") throw oraError(1703, "invalid number", token.start)
      this.at++
      return (negative ? "-" : "") + token.text
    }
    for (;;) {
      if (this.takeWord("START", "WITH")) options.start = this.takeWord("LIMIT") ? undefined : value()
      else if (this.takeWord("INCREMENT", "BY")) options.increment = value()
      else if (this.takeWord("MINVALUE")) options.min = value()
      else if (this.takeWord("MAXVALUE")) options.max = value()
      else if (this.takeWord("NOMINVALUE") || this.takeWord("NOMAXVALUE")) continue
      else if (this.takeWord("CYCLE")) options.cycle = true
      else if (this.takeWord("NOCYCLE")) options.cycle = false
      else if (this.takeWord("CACHE")) options.cache = value()
      else if (this.takeWord("NOCACHE")) options.cache = "0"
      else if (this.takeWord("ORDER")) options.order = true
      else if (this.takeWord("NOORDER")) options.order = false
      else if (this.takeWord("RESTART")) options.restart = true
      else if (this.takeWord("KEEP") || this.takeWord("NOKEEP") || this.takeWord("GLOBAL")) continue
      else if (this.isWord("SESSION") || this.isWord("SCALE") || this.isWord("SHARD")) {
        throw this.unsupported(`${this.token.text} sequences`)
      } else return options
    }
  }
}
