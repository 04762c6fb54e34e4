/** What groups of scripts are about. */

/** What a group of scripts is about. Every law is checked in each of them. */
export type Theme =
  | "sizes"
  | "order"
  | "tags"
  | "identities"
  | "time"
  | "trouble"
  | "endings"
  | "replacements"
  | "accounts"
  | "breaks"
  | "steps"
  | "clocks"
  | "defects"
  | "steering"
  | "everything"

/** The laws that a theme was made for, and what scripts of it are about. */
export const themes: Readonly<Record<Theme, { readonly laws: ReadonlyArray<number>; readonly title: string }>> = {
  sizes: { laws: [1, 2], title: "opened <= max, and every session is in exactly one state" },
  order: { laws: [3, 5, 6], title: "one holder a session, no request waits without a cause, equal waiters in order" },
  tags: { laws: [8], title: "the tag rules" },
  identities: { laws: [9], title: "the identity rules, also when requests are changed after they were made" },
  time: { laws: [7], title: "nothing expired is lent, nothing in use evicted, eviction stops at min" },
  trouble: { laws: [2, 5], title: "sessions die, log-ins are refused, operations fail, hang or take long" },
  endings: { laws: [4, 17], title: "every session that was opened is closed exactly once, and nothing is left" },
  replacements: { laws: [11], title: "one request causes at most one replacement" },
  accounts: { laws: [12], title: "refused credentials are not tried again, whatever identities share the account" },
  breaks: { laws: [13, 14], title: "no break and nothing of a lease's identity reaches the next lease" },
  steps: { laws: [15], title: "no fiber runs inside a step" },
  clocks: { laws: [16], title: "durations do not depend on the wall clock" },
  defects: { laws: [2, 4, 17], title: "functions of the driver and hooks throw, and their effects die" },
  steering: {
    laws: [18],
    title:
      "a suspended pool lends nothing and fails no request, a refreshed one lends new sessions, drained instances are left"
  },
  everything: { laws: [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 17, 18], title: "all of it at once" }
}
