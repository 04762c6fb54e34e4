/** Floating-point numbers as text: seventeen digits for a double, nine for a float. */

const scientific = (value: number, digits: number): string => {
  if (Number.isNaN(value)) return "Nan"
  if (value === Infinity) return "Inf"
  if (value === -Infinity) return "-Inf"
  if (value === 0) return "0"
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e")
  const kept = mantissa!.replace(/0+$/, "")
  const power = Number(exponent)
  return `${kept}${kept.endsWith(".") ? "0" : ""}E${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(3, "0")}`
}

export const formatDouble = (value: number): string => scientific(value, 17)
export const formatFloat = (value: number): string => scientific(value, 9)
