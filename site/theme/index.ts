/** The default look, wide enough for a line of code. */
import theme from "vitepress/theme-without-fonts"
// oxlint-disable-next-line import/no-unassigned-import -- A style has nothing to import.
import "./width.css"

export default theme
