/** What is known of an image that the spec has. @throws Error where nothing is: a mistake of this program */
export function knownOf<Known>(images: ReadonlyMap<string, Known>, name: string): Known {
  const known = images.get(name)
  if (known === undefined) throw new Error(`nothing is known of the image "${name}"`)
  return known
}
