/** The parsed form of types and their bodies. */
import type { TypeSpec } from "./ast.ts"
import type { Parameter, PlsqlBlock } from "./astPlsql.ts"

export type MethodKind = "member" | "static" | "map" | "order" | "constructor"

/** What a type says of a method; its parameters are without SELF. */
export interface Method {
  readonly kind: MethodKind
  readonly name: string
  readonly isFunction: boolean
  readonly parameters: ReadonlyArray<Parameter>
  /** undefined for a procedure, and for a constructor, which returns SELF. */
  readonly returns: TypeSpec | undefined
  /** SELF is IN OUT: of a procedure unless it says otherwise, and of a constructor. */
  readonly changesSelf: boolean
  /** It takes the place of one that is inherited. */
  readonly overriding: boolean
  readonly final: boolean
  /** NOT INSTANTIABLE: subtypes have its body. */
  readonly instantiable: boolean
  readonly at: number
  /** Where its name stands. */
  readonly nameAt: number
}

export interface MethodBody extends Method {
  readonly block: PlsqlBlock
}

export type TypeShape =
  | {
    readonly kind: "object"
    /** UNDER. */
    readonly supertype: { readonly path: ReadonlyArray<string>; readonly at: number } | undefined
    readonly final: boolean
    readonly instantiable: boolean
    readonly attributes: ReadonlyArray<{ readonly name: string; readonly type: TypeSpec; readonly at: number }>
    readonly methods: ReadonlyArray<Method>
  }
  | {
    readonly kind: "collection"
    readonly form: "table" | "varray"
    readonly limit: number | undefined
    readonly element: TypeSpec
  }

export interface TypeSpecUnit {
  readonly kind: "typeSpec"
  /** FORCE: the type may be replaced although other types are made of it. */
  readonly force: boolean
  readonly shape: TypeShape
}

export interface TypeBodyUnit {
  readonly kind: "typeBody"
  readonly methods: ReadonlyArray<MethodBody>
}

export interface DropType {
  readonly kind: "dropType"
  readonly path: ReadonlyArray<string>
  readonly body: boolean
  readonly force: boolean
  readonly ifExists: boolean
  readonly at: number
}
