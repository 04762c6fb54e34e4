/** Who acts: a user with the roles that are enabled. Code with the rights of its definer has no roles. */
export interface Rights {
  readonly user: string
  readonly roles: ReadonlySet<string>
  /** Equal for equal rights: what was compiled under one key is good for it alone. */
  readonly key: string
}

const noRoles: ReadonlySet<string> = new Set()
const definers = new Map<string, Rights>()

export const rightsOf = (user: string, roles: ReadonlySet<string>): Rights => ({
  user,
  roles,
  key: `${user}:${[...roles].toSorted().join()}`
})

/** The rights of a unit's or a view's owner. */
export const definerRights = (user: string): Rights => {
  let known = definers.get(user)
  if (known === undefined) {
    known = rightsOf(user, noRoles)
    definers.set(user, known)
  }
  return known
}
