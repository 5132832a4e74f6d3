/** PEP 503, "Normalized names": pip prints the author's spelling, which changes between releases. */
export function normalizedName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, "-")
}
