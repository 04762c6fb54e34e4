/** Milliseconds as a person reads them: `250ms`, `5s`, `2m 30s`. */
export const formatDuration = (millis: number): string => {
  if (!Number.isFinite(millis)) return "ever"
  if (Math.round(millis) < 1000) return `${Math.round(millis)}ms`
  const tenths = Math.round(millis / 100)
  if (tenths < 600) return `${tenths / 10}s`
  const seconds = Math.round(millis / 1000)
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${Math.floor(seconds / 60)}m ${seconds % 60}s`
}
