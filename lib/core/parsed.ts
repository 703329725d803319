import * as v from 'valibot'
import type { Result } from './result.ts'

/** Makes a schema of a parser, so that a brand is made by its parser only, wherever it comes in. */
export const parsed = <I, T>(input: v.GenericSchema<I>, parse: (value: I) => Result<T, string>, expected: string) =>
  v.pipe(
    input,
    v.rawTransform<I, T>(({ dataset, addIssue, NEVER }) => {
      const result = parse(dataset.value)
      if (result.ok) return result.value
      addIssue({ message: expected })
      return NEVER
    }),
  )
