/** Whether a constraint is enforced, when, and whether its rows are known to satisfy it. */
export interface ConstraintState {
  /** SET CONSTRAINTS may put it off to the end of a transaction. */
  readonly deferrable: boolean
  /** It is put off unless a session says otherwise. */
  readonly initiallyDeferred: boolean
  readonly enabled: boolean
  readonly validated: boolean
  readonly rely: boolean
}

/** A constraint of any kind as those see it who only ask when it holds. */
export interface Constrained {
  readonly name: string
  readonly state: ConstraintState
}
