/** What can go wrong under the laws: operations of the server, functions of the driver, hooks of the pool. */

/** What can be slow or fail on demand. */
export type Operation = "open" | "ping" | "reset" | "interrupt" | "close" | "execute"

/** The functions of a driver that can be told to go wrong. */
export type DriverFunction =
  | "open"
  | "close"
  | "ping"
  | "reset"
  | "interrupt"
  | "isHealthy"
  | "isAuthenticationFailure"
  | "lease"
  | "attributes"

/** What a script can break beside the driver's functions. */
export type Hook = "onSession" | "resetSession" | "credentials"

/** How a function of the driver or a hook goes wrong: its effect dies, or the call itself throws. */
export type Defect = "die" | "throw"
