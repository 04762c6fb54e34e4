/** Draws the plots, and the figures of the README, from the results that are there. */
export const draw = (): void => {}
