/** What a timer of Node can wait. */

/** The longest time, in milliseconds. A timer that is set to more fires at once. */
export const longestTimer = 2 ** 31 - 1
