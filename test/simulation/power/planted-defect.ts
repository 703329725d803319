/** One change of the code that breaks a rule, and the rule. */
export interface PlantedDefect {
  /** The rule that no longer holds, or the kind and place of a mutation. */
  readonly what: string
  /** Relative to the root of the repository. */
  readonly file: string
  /** @throws Error if the code no longer contains what the defect replaces */
  readonly plant: (code: string) => string
  /** Why no history can detect it. The ordinary tests detect it. */
  readonly unseen?: string
}

/** Replaces a text that the file contains exactly once. */
export function replaceOnce(file: string, from: string, to: string): (code: string) => string {
  return (code) => {
    if (code.split(from).length !== 2)
      throw new Error(`${file} must contain this exactly once: ${from}`)
    return code.replace(from, () => to)
  }
}
