/** Control characters in what is shown: they could hide text, or forge a line of a log. */

// Without tabs and line ends, which messages of several lines have; with those that turn the direction of text round.
// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** The text with its control characters written out, such as `\\u0000`; line ends and tabs stay. */
export const escapeControls = (text: string): string =>
  text.replace(/\r\n/g, "\n").replace(controls, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`)
