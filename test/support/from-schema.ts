/**
 * Generates values of a JSON Schema, and mutated ones. Knows the keywords that the reference uses
 * for requests.
 */
import fc from 'fast-check'
import * as v from 'valibot'

const schema = v.object({
  type: v.optional(v.string()),
  enum: v.optional(v.array(v.unknown())),
  const: v.optional(v.string()),
  anyOf: v.optional(v.array(v.unknown())),
  oneOf: v.optional(v.array(v.unknown())),
  properties: v.optional(v.record(v.string(), v.unknown()), {}),
  required: v.optional(v.array(v.string()), []),
  items: v.optional(v.unknown()),
  minItems: v.optional(v.number(), 0),
  pattern: v.optional(v.string()),
  format: v.optional(v.string()),
  minLength: v.optional(v.number(), 0),
  maxLength: v.optional(v.number(), 100),
  minimum: v.optional(v.number()),
  maximum: v.optional(v.number()),
})

/** Generates values that the schema allows. With an `if`, some may not be allowed. */
export function arbitraryOf(described: unknown): fc.Arbitrary<unknown> {
  const {
    type,
    enum: values,
    const: only,
    anyOf,
    oneOf = anyOf,
    properties,
    required,
    items,
    ...limits
  } = v.parse(schema, described)
  if (values !== undefined) return fc.constantFrom(...values)
  if (only !== undefined) return fc.constant(only)
  if (oneOf !== undefined) return fc.oneof(...oneOf.map(arbitraryOf))
  switch (type) {
    case 'object': {
      const fields = Object.entries(properties).map(
        ([name, field]) => [name, arbitraryOf(field)] as const,
      )
      return fc.record(Object.fromEntries(fields), { requiredKeys: required })
    }
    case 'array':
      return fc.array(arbitraryOf(items), {
        minLength: limits.minItems,
        maxLength: limits.minItems + 2,
      })
    case 'integer':
      return fc.integer({ min: limits.minimum ?? 0, max: limits.maximum ?? 1_000 })
    case 'boolean':
      return fc.boolean()
    case 'string':
      if (limits.pattern !== undefined)
        return fc
          .stringMatching(new RegExp(limits.pattern), { maxLength: limits.maxLength })
          .filter((text) => text.length <= limits.maxLength)
      if (limits.format === 'date-time')
        return fc
          .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
          .map((at) => at.toISOString())
      return fc.string({ minLength: limits.minLength, maxLength: Math.min(limits.maxLength, 600) })
    default:
      throw new Error(`a schema of type ${type} is not known here`)
  }
}

const WRONG = [
  null,
  true,
  '',
  'a b',
  'x'.repeat(5_000),
  '2026-02-30T12:00:00+08:00',
  '2026-11-20',
  0,
  -1,
  1.5,
  2 ** 31,
  [],
  {},
  undefined,
]

/** Changes one value to a wrong one, removes it, or adds an unknown field. */
export const mutated = (whole: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(whole, fc.array(fc.nat(), { maxLength: 4 }), fc.constantFrom(...WRONG), fc.boolean())
    .map(([value, way, wrong, isExtra]) => mutate(value, way, wrong, isExtra))

function mutate(
  value: unknown,
  [step, ...way]: readonly number[],
  wrong: unknown,
  isExtra: boolean,
): unknown {
  if (typeof value !== 'object' || value === null || step === undefined) {
    return isExtra && typeof value === 'object' && !Array.isArray(value)
      ? { ...value, extra: wrong ?? 1 }
      : wrong
  }
  const entries: readonly (readonly [string, unknown])[] = Object.entries(value)
  const at = entries.length === 0 ? 0 : step % entries.length
  const changed = entries.map(
    ([name, field], index) =>
      [name, index === at ? mutate(field, way, wrong, isExtra) : field] as const,
  )
  const kept = changed.filter(([, field]) => field !== undefined)
  return Array.isArray(value) ? kept.map(([, field]) => field) : Object.fromEntries(kept)
}
