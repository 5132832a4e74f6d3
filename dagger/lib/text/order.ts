/**
 * Orders texts by code unit: the same on every machine, where `localeCompare` follows the locale. What `sort()`
 * does without an argument, as a function that can be combined.
 */
export function compareCodeUnits(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
