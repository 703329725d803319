import * as v from 'valibot'
import type { Result } from '../core/result.ts'

/**
 * The values that a parser accepts, as JSON Schema. For the API reference only: it is not checked
 * at run time.
 */
export interface Form {
  readonly type?: 'integer'
  readonly format?: 'date' | 'date-time'
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
}

/**
 * Turns a parser into a schema, so that only the parser makes values of a branded type.
 *
 * @param explain what is expected instead of this value; `expected` by default
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
