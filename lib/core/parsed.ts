import * as v from 'valibot'
import type { Result } from './result.ts'

/** What a parser takes, in words of JSON Schema: for the API reference, checked by nobody at run time. */
export interface Form {
  readonly type?: 'integer'
  readonly format?: 'date' | 'date-time'
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
}

/**
 * Makes a schema of a parser, so that a brand is made by its parser only, wherever it comes in.
 *
 * @param explain what is expected in place of this value; `expected` without it
 */
export const parsed = <I, T>(
  input: v.GenericSchema<I>,
  parse: (value: I) => Result<T, string>,
  expected: string,
  form: Form = {},
  explain: (value: I) => string = () => expected,
) =>
  v.pipe(
    input,
    v.metadata({ description: expected, ...form }),
    v.rawTransform<I, T>(({ dataset, addIssue, NEVER }) => {
      const result = parse(dataset.value)
      if (result.ok) return result.value
      addIssue({ message: explain(dataset.value) })
      return NEVER
    }),
  )
