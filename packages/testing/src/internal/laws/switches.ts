/** Laws whose faults the pool still has: each is switched on with the change that mends it. */
export const isOn: { readonly accounts: boolean; readonly replacements: boolean; readonly attributes: boolean } = {
  accounts: false,
  replacements: false,
  attributes: false
}
