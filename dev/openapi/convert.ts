/**
 * Converts the schemas of valibot to those of the reference: JSON Schema 2020-12, with references
 * to named schemas.
 */
import {
  toJsonSchema,
  toJsonSchemaDefs,
  type ConversionConfig,
  type JsonSchema,
} from '@valibot/to-json-schema'
import type * as v from 'valibot'

type Schemas = Readonly<Record<string, v.GenericSchema>>

/** Descriptions of the fields by their path: `items.sku` is a field of the elements of `items`. */
export type Words = Readonly<Record<string, string>>

const config: ConversionConfig = {
  target: 'draft-2020-12',
  typeMode: 'input',
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  overrideAction({ valibotAction, jsonSchema }) {
    if (
      valibotAction.type !== 'check' ||
      !('message' in valibotAction) ||
      typeof valibotAction.message !== 'string'
    )
      return null
    // JSON Schema has no keyword for it, so the description says it.
    return { ...jsonSchema, description: sentence(jsonSchema.description, valibotAction.message) }
  },
}

const sentence = (...parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined).join('; ')

/** The content of `components.schemas`. */
export const toComponents = (schemas: Schemas): Record<string, JsonSchema> =>
  toJsonSchemaDefs({ ...schemas }, config)

/**
 * The schema of a request, with a description for every field. @throws Error for a field without a
 * description, and for a description without a field
 */
export function toRequest(schema: v.GenericSchema, words: Words): JsonSchema {
  const { $schema: _, ...converted } = toJsonSchema(schema, config)
  const left = new Set(Object.keys(words))
  const described = describe(converted, words, '', left)
  if (left.size > 0) throw new Error(`words for fields that are not there: ${[...left].join(', ')}`)
  return described
}

function describe(schema: JsonSchema, words: Words, prefix: string, left: Set<string>): JsonSchema {
  if (typeof schema.items === 'object' && !Array.isArray(schema.items))
    return { ...schema, items: describe(schema.items, words, prefix, left) }
  if (schema.oneOf !== undefined)
    return {
      ...schema,
      oneOf: schema.oneOf.map((one) =>
        typeof one === 'boolean' ? one : describe(one, words, prefix, left),
      ),
    }
  if (schema.properties === undefined) return schema
  const properties = Object.entries(schema.properties).map(
    ([name, field]): [string, JsonSchema] => {
      const path = prefix + name
      const word = words[path]
      left.delete(path)
      if (word === undefined || typeof field === 'boolean') throw new Error(`no words for ${path}`)
      return [
        name,
        {
          ...describe(field, words, `${path}.`, left),
          description: sentence(word, field.description),
        },
      ]
    },
  )
  return { ...schema, properties: Object.fromEntries(properties) }
}

/** The query parameters. All of them are text, and a default is shown as the value it means. */
export function toParameters(schema: v.GenericSchema, words: Words) {
  const { properties = {}, required = [] } = toRequest(schema, words)
  return Object.entries(properties).flatMap(([name, field]) => {
    if (typeof field === 'boolean') return []
    const { description, ...form } = field
    const meant =
      form.type === 'integer' && typeof form.default === 'string'
        ? { default: Number(form.default) }
        : {}
    return [
      {
        name,
        in: 'query',
        required: required.includes(name),
        description,
        schema: { ...form, ...meant },
      },
    ]
  })
}
